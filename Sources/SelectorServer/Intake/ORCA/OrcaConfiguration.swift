package import Selection

/// Which replicas are asked for their load by ORCA, and how.
package struct OrcaConfiguration: Hashable, Sendable {
  /// The services whose replicas are asked; none for all.
  package var services: Set<String>
  /// Where replicas may be that neither Kubernetes nor a file names; others are not asked. None for none.
  package var ranges: [AddressRange]
  /// The port that they are asked at; nil for the one that they serve at.
  package var port: Int?
  /// The time between two reports of a replica.
  package var interval: Duration
  /// The most replicas that are asked, each on a connection of its own.
  package var mostReplicas: Int
  /// How long a replica that does not know the method is left alone.
  package var unknownMethodPause: Duration

  /// Makes a configuration.
  package init(
    services: Set<String> = [], ranges: [AddressRange] = [], port: Int? = nil, interval: Duration = .seconds(1),
    mostReplicas: Int = 2000,
    unknownMethodPause: Duration = .seconds(300)
  ) {
    self.services = services
    self.ranges = ranges
    self.port = port
    self.interval = interval
    self.mostReplicas = mostReplicas
    self.unknownMethodPause = unknownMethodPause
  }
}
