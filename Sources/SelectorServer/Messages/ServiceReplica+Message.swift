package import Selection
package import SelectorProtocol

extension ServiceReplica {
  /// A replica as a client describes it. What may be wrong with it is said by ``fault``.
  package init(_ message: Tonari_Selector_V1_Replica) {
    self.init(
      address: message.address, node: message.locality.node, zone: message.locality.zone,
      cluster: message.locality.cluster, weight: message.weight == 0 ? 1 : message.weight,
      concurrency: message.concurrency == 0 ? nil : Int(clamping: message.concurrency), labels: message.labels,
      state: ReplicaState(message.state))
  }
}

extension Tonari_Selector_V1_Replica {
  /// A replica for clients.
  package init(_ replica: ServiceReplica) {
    self.init()
    address = replica.address
    locality.node = replica.node
    locality.zone = replica.zone
    locality.cluster = replica.cluster
    weight = replica.weight
    concurrency = UInt32(clamping: replica.concurrency ?? 0)
    labels = replica.labels
    state =
      switch replica.state {
      case .ready: .ready
      case .starting: .starting
      case .draining: .draining
      case .gone: .gone
      }
  }
}

extension ReplicaState {
  init(_ state: Tonari_Selector_V1_State) {
    self =
      switch state {
      case .starting: .starting
      case .draining: .draining
      case .gone: .gone
      default: .ready
      }
  }
}
