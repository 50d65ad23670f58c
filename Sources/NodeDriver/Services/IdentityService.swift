import GRPCCore
import SwiftProtobuf

/// `csi.v1.Identity`: which driver this is.
struct IdentityService: Csi_V1_Identity.SimpleServiceProtocol {
  let name: String
  let version: String

  func getPluginInfo(
    request: Csi_V1_GetPluginInfoRequest, context: ServerContext
  ) async throws -> Csi_V1_GetPluginInfoResponse {
    .with {
      $0.name = name
      $0.vendorVersion = version
    }
  }

  func getPluginCapabilities(
    request: Csi_V1_GetPluginCapabilitiesRequest, context: ServerContext
  ) async throws -> Csi_V1_GetPluginCapabilitiesResponse {
    .init()
  }

  func probe(request: Csi_V1_ProbeRequest, context: ServerContext) async throws -> Csi_V1_ProbeResponse {
    .with { $0.ready = .init(true) }
  }
}
