package import Overflow

extension ServiceOverflow {
  /// The gateways of neighbours, as replicas of the service.
  package var gateways: [ServiceReplica] {
    neighbours.compactMap { neighbour in
      neighbour.gateway.map { ServiceReplica(address: $0, cluster: neighbour.name) }
    }
  }
}
