import EnvoyProtocol
import Selection
import SwiftProtobuf

extension Place {
  /// Where an Envoy is, as it says itself: its zone, its node, which Istio's proxies call `NODE_NAME` and others their
  /// sub-zone, and `CLUSTER_ID`, which is else the selector's. One that says nothing is where the selector is.
  init(_ node: Envoy_Config_Core_V3_Node, at selector: Place) {
    func text(_ name: String) -> String? {
      node.metadata.fields[name].map(\.stringValue).flatMap { $0.isEmpty ? nil : $0 }
    }
    let zone = node.locality.zone.isEmpty ? nil : node.locality.zone
    let host = text("NODE_NAME") ?? (node.locality.subZone.isEmpty ? nil : node.locality.subZone)
    if let cluster = text("CLUSTER_ID") {
      self.init(node: host, zone: zone, cluster: cluster)
    } else {
      self = selector.neighbour(node: host, zone: zone)
    }
  }
}
