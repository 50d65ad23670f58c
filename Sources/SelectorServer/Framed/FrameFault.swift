/// Why a connection is closed: what its peer sent is not the protocol.
enum FrameFault: Hashable, Sendable, CustomStringConvertible {
  case flag(UInt8)
  case length(Int)
  case malformed
  case unusual
  case expanding

  var description: String {
    switch self {
    case .flag(let byte): "a frame begins with byte \(byte): expected 0"
    case .length(let bytes): "a message of \(bytes) bytes is too long"
    case .malformed: "a message is malformed"
    case .unusual: "a message is of a form that no encoder writes"
    case .expanding: "a message takes too much memory"
    }
  }
}
