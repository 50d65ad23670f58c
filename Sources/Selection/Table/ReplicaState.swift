/// Where a replica is in its life.
public enum ReplicaState: UInt8, Hashable, Sendable, CaseIterable {
  /// Known, but it does not take requests yet.
  case starting
  /// It takes requests.
  case ready
  /// It finishes what it has and takes no new requests, unless nobody else can.
  case draining
  /// It is not there any more.
  case gone
}
