import Dispatching
import EnvoyProtocol
import GRPCCore
import Selection
