import EnvoyProtocol
import GRPCCore
import SwiftProtobuf

/// The variant of xDS in which each request names all resources that are asked for. Of endpoints, an answer holds those
/// that changed; a service that is not there is left out, which Envoy takes for an answer.
struct StateOfTheWorldSubscription: DiscoverySubscription {
  private var told: [String: ToldResource] = [:]
  private var marked: Set<String> = []
  /// How many answers there were; the last one's number is its nonce and its version.
  private var answers = 0
  private var isAcknowledged = true

  mutating func hear(_ request: Envoy_Service_Discovery_V3_DiscoveryRequest) throws(RPCError) -> HeardRequest {
    // Written before our last answer came: another follows.
    guard request.responseNonce.isEmpty || request.responseNonce == "\(answers)" else { return HeardRequest() }
    try checkResources(count: request.resourceNames.count, request.resourceNames)
    var heard = HeardRequest()
    if !request.responseNonce.isEmpty {
      isAcknowledged = true
      if request.hasErrorDetail { heard.rejection = request.errorDetail.message }
    }
    let names = Set(request.resourceNames)
    for name in told.keys where !names.contains(name) {
      heard.unsubscribed.append(name)
      told[name] = nil
      marked.remove(name)
    }
    for name in names where told[name] == nil {
      heard.subscribed.append(name)
      told[name] = .nothing
      marked.insert(name)
    }
    return heard
  }

  mutating func mark(_ name: String) {
    if told[name] != nil { marked.insert(name) }
  }

  mutating func next(
    _ endpoints: (String) -> DiscoveredEndpoints
  ) -> Envoy_Service_Discovery_V3_DiscoveryResponse? {
    guard isAcknowledged || marked.contains(where: { told[$0] == .nothing }) else { return nil }
    var response = Envoy_Service_Discovery_V3_DiscoveryResponse()
    var isAnswer = false
    for name in marked.sorted() {
      switch endpoints(name) {
      case .pending: continue
      case .absent:
        isAnswer = isAnswer || told[name] == .nothing
        told[name] = .absence
      case .assignment(let version, let resource):
        if told.updateValue(.version(version), forKey: name) != .version(version) {
          response.resources.append(resource)
        }
      }
      marked.remove(name)
    }
    guard isAnswer || !response.resources.isEmpty else { return nil }
    answers += 1
    isAcknowledged = false
    response.versionInfo = "\(answers)"
    response.nonce = "\(answers)"
    response.typeURL = endpointType
    return response
  }

  static func type(of request: Envoy_Service_Discovery_V3_DiscoveryRequest) -> String { request.typeURL }
  static func node(of request: Envoy_Service_Discovery_V3_DiscoveryRequest) -> Envoy_Config_Core_V3_Node? {
    request.hasNode ? request.node : nil
  }
}
