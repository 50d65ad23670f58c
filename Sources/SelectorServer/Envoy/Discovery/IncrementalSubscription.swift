import EnvoyProtocol
import GRPCCore
import SwiftProtobuf

/// The variant of xDS in which requests name what is asked for beside what was, and what no more (delta). A service that
/// is not there is answered as removed; who comes back says what it has, and is told of changes alone.
struct IncrementalSubscription: DiscoverySubscription {
  private var told: [String: ToldResource] = [:]
  private var marked: Set<String> = []
  private var answers = 0
  private var isAcknowledged = true
  private var isFirst = true

  mutating func hear(_ request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) throws(RPCError) -> HeardRequest {
    try checkResources(
      count: told.count + request.resourceNamesSubscribe.count, request.resourceNamesSubscribe)
    var heard = HeardRequest()
    if !request.responseNonce.isEmpty, request.responseNonce == "\(answers)" {
      isAcknowledged = true
      if request.hasErrorDetail { heard.rejection = request.errorDetail.message }
    }
    for name in request.resourceNamesUnsubscribe where told[name] != nil {
      heard.unsubscribed.append(name)
      told[name] = nil
      marked.remove(name)
    }
    for name in request.resourceNamesSubscribe {
      if told[name] == nil { heard.subscribed.append(name) }
      // Who asks again has forgotten it.
      told[name] = isFirst ? request.initialResourceVersions[name].map(ToldResource.version) ?? .nothing : .nothing
      marked.insert(name)
    }
    isFirst = false
    return heard
  }

  mutating func mark(_ name: String) {
    if told[name] != nil { marked.insert(name) }
  }

  mutating func next(
    _ endpoints: (String) -> DiscoveredEndpoints
  ) -> Envoy_Service_Discovery_V3_DeltaDiscoveryResponse? {
    guard isAcknowledged || marked.contains(where: { told[$0] == .nothing }) else { return nil }
    var response = Envoy_Service_Discovery_V3_DeltaDiscoveryResponse()
    for name in marked.sorted() where isAcknowledged || told[name] == .nothing {
      switch endpoints(name) {
      case .pending: continue
      case .absent:
        if told.updateValue(.absence, forKey: name) != .absence { response.removedResources.append(name) }
      case .assignment(let version, let resource):
        guard told.updateValue(.version(version), forKey: name) != .version(version) else { break }
        response.resources.append(
          .with {
            $0.name = name
            $0.version = version
            $0.resource = resource
          })
      }
      marked.remove(name)
    }
    guard !response.resources.isEmpty || !response.removedResources.isEmpty else { return nil }
    answers += 1
    isAcknowledged = false
    response.systemVersionInfo = "\(answers)"
    response.nonce = "\(answers)"
    response.typeURL = endpointType
    return response
  }

  static func type(of request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) -> String { request.typeURL }
  static func node(of request: Envoy_Service_Discovery_V3_DeltaDiscoveryRequest) -> Envoy_Config_Core_V3_Node? {
    request.hasNode ? request.node : nil
  }
}
