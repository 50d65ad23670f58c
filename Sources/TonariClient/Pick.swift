/// A replica that was picked for a request.
///
/// Complete it once, or the request counts as in flight there until the selector's patience ends.
public struct Pick: Sendable {
  /// How far a replica is from where the request comes from.
  public enum Tier: Hashable, Sendable {
    /// On the same node.
    case node
    /// In the same zone, on another node.
    case zone
    /// In the same cluster, in another zone.
    case cluster
    /// In another cluster, or nobody said where the request comes from.
    case remote
  }

  /// How a request ended.
  public enum Outcome: Hashable, Sendable {
    /// It was answered.
    case success
    /// The replica failed: an error of its own, a timeout, a broken connection.
    case failure
    /// Who asked gave up, which says nothing about the replica.
    case cancelled
  }

  /// The service.
  public let service: String
  /// The replica's address, `host:port`.
  public let address: String
  /// How far it is.
  public let tier: Tier
  /// Whether no replica was fit (all are ejected or draining) and this one was named all the same.
  public let isPanic: Bool
  /// Whether the selector was away and the client picked by itself, from what it knew last.
  public let isFallback: Bool
  /// Addresses for retries, the best first.
  public let alternatives: [String]
  /// How often the request will have been sent from one cluster to another once it is there: to be sent along as
  /// `x-tonari-hops` where it is not 0, so that what was sent on goes no further than its policy allows.
  public let hops: Int
  /// When it was picked.
  let time: ContinuousClock.Instant
  /// The pick as the selector knows it, and on which connection; nil of a fallback.
  let ticket: Ticket?

  struct Ticket: Hashable, Sendable {
    var id: UInt64
    var connection: UInt64
  }
}

/// What a replica says of its load in an answer. What is nil is not known.
public struct ReplicaLoad: Hashable, Sendable {
  /// Requests that are there, worked on or waiting, whoever sent them.
  public var inFlight: UInt32?
  /// Requests that wait there.
  public var queued: UInt32?
  /// The share of its CPU that is in use; 1 is all.
  public var cpuUtilization: Double?
  /// What a request takes there lately.
  public var latency: Duration?

  /// Makes a report.
  public init(
    inFlight: UInt32? = nil, queued: UInt32? = nil, cpuUtilization: Double? = nil, latency: Duration? = nil
  ) {
    self.inFlight = inFlight
    self.queued = queued
    self.cpuUtilization = cpuUtilization
    self.latency = latency
  }
}
