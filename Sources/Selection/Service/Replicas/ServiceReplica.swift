import Model

/// What is known beforehand about a replica of a service.
package struct ServiceReplica: Hashable, Sendable {
  /// `host:port`, unique in its service; at most ``PickAnswer/longestAddress`` bytes.
  package var address: String
  /// Where else it listens: its addresses of another family, by which it may be asked for and spoken of.
  package var aliases: [String] = []
  /// The node that it runs on; empty where that is not known, as the others.
  package var node: String
  /// The node's zone.
  package var zone: String
  /// The cluster.
  package var cluster: String
  /// Its share compared with the others', within `Bounds.weight`.
  package var weight: Double
  /// How many requests it works on at a time, within `Bounds.concurrency`; nil where nobody knows.
  package var concurrency: Int?
  /// Labels, each `name=value`.
  package var labels: [String]
  /// Where it is in its life.
  package var state: ReplicaState

  /// Makes a replica that is ready.
  package init(
    address: String, node: String = "", zone: String = "", cluster: String = "", weight: Double = 1,
    concurrency: Int? = nil, labels: [String] = [], state: ReplicaState = .ready
  ) {
    self.address = address
    self.node = node
    self.zone = zone
    self.cluster = cluster
    self.weight = weight
    self.concurrency = concurrency
    self.labels = labels
    self.state = state
  }

  /// What is wrong with it; nil where nothing is.
  package var fault: String? {
    let port = address.lastIndex(of: ":").map { address[address.index(after: $0)...] }
    guard let port, port.utf8.count < address.utf8.count - 1, let number = UInt16(port), number > 0 else {
      return "address '\(address)': expected host:port"
    }
    guard address.utf8.count <= PickAnswer.longestAddress else {
      return "address of \(address.utf8.count) bytes: expected at most \(PickAnswer.longestAddress)"
    }
    do {
      try Bounds.weight.checked(weight)
      if let concurrency { try Bounds.concurrency.checked(concurrency) }
    } catch {
      return "\(address): \(error)"
    }
    return nil
  }

  /// What a replica may claim to be worth in comparison with others when nobody but it says so.
  package static let claimedWeights = 0.1...10

  /// The replica with no more weight, and no less, than it may claim itself.
  package var claimed: ServiceReplica {
    var replica = self
    replica.weight = min(max(weight, Self.claimedWeights.lowerBound), Self.claimedWeights.upperBound)
    return replica
  }

  init(_ replica: Replica) {
    self.init(
      address: replica.name, node: replica.node ?? "", zone: replica.zone ?? "", cluster: replica.cluster ?? "",
      weight: replica.weight, concurrency: replica.concurrency, labels: replica.labelNames,
      state: replica.state)
    aliases = replica.aliases
  }

  /// As Selection knows it.
  var replica: Replica {
    var replica = Replica(
      name: address, node: node.isEmpty ? nil : node, zone: zone.isEmpty ? nil : zone,
      cluster: cluster.isEmpty ? nil : cluster, weight: weight, concurrency: concurrency,
      labelNames: labels, state: state)
    replica.aliases = aliases
    return replica
  }
}
