import GRPCCore
import Logging
import SwiftProtobuf
import Synchronization

/// `pluginregistration.Registration`: makes the driver known to kubelet.
final class RegistrationService: Pluginregistration_Registration.SimpleServiceProtocol {
  /// How far kubelet has come.
  enum State: Hashable {
    case unknown
    case registered
    case refused(String)
  }

  private static let versions = ["1.0.0"]

  private let name: String
  private let endpoint: String
  private let current = Mutex(State.unknown)
  private let logger: Logger

  init(name: String, endpoint: String, logger: Logger) {
    self.name = name
    self.endpoint = endpoint
    self.logger = logger
  }

  var state: State { current.withLock { $0 } }

  func getInfo(
    request: Pluginregistration_InfoRequest, context: ServerContext
  ) async throws -> Pluginregistration_PluginInfo {
    .with {
      $0.type = "CSIPlugin"
      $0.name = name
      $0.endpoint = endpoint
      $0.supportedVersions = Self.versions
    }
  }

  func notifyRegistrationStatus(
    request: Pluginregistration_RegistrationStatus, context: ServerContext
  ) async throws -> Pluginregistration_RegistrationStatusResponse {
    if request.pluginRegistered {
      logger.notice("Kubelet knows the driver", metadata: ["driver": "\(name)"])
      current.withLock { $0 = .registered }
    } else {
      // Kubelet tries again by itself.
      logger.error("Kubelet refused the driver", metadata: ["driver": "\(name)", "error": "\(request.error.escaped)"])
      current.withLock { $0 = .refused(String(request.error.prefix(500).escaped)) }
    }
    return .init()
  }
}
