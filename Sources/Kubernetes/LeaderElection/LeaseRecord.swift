import Formats

/// Who holds a lease: what of the spec of a `Lease` (coordination.k8s.io/v1) matters for an election.
struct LeaseRecord: Hashable, Sendable {
  /// Who holds it; empty for nobody.
  var holder: String
  /// How long it holds after its renewal.
  var duration: Duration
  /// When the holder got it.
  var acquireTime: Timestamp
  /// When the holder renewed it last, by the holder's clock: for people to read.
  var renewTime: Timestamp
  /// How often it changed hands.
  var transitions: Int64
}

extension LeaseRecord {
  /// Reads the spec of a lease.
  init(spec: JSONValue) {
    holder = spec["holderIdentity"]?.string ?? ""
    // The API server takes 32 bits of each; what is beyond is nonsense, and must not overflow.
    duration = .seconds(Int32(clamping: spec["leaseDurationSeconds"]?.integer ?? 0))
    acquireTime = spec["acquireTime"]?.string.flatMap(Timestamp.init) ?? Timestamp(microseconds: 0)
    renewTime = spec["renewTime"]?.string.flatMap(Timestamp.init) ?? Timestamp(microseconds: 0)
    transitions = Int64(Int32(clamping: spec["leaseTransitions"]?.integer ?? 0))
  }

  /// Writes the record into the spec of a lease; other fields stay.
  func write(to spec: inout JSONValue) {
    spec["holderIdentity"] = .string(holder)
    // Rounded up: a lease that is said to be shorter than its holder takes it to be would have two holders.
    let (seconds, attoseconds) = duration.components
    spec["leaseDurationSeconds"] = .integer(max(1, attoseconds > 0 ? seconds + 1 : seconds))
    spec["acquireTime"] = .string(acquireTime.description)
    spec["renewTime"] = .string(renewTime.description)
    spec["leaseTransitions"] = .integer(transitions)
  }
}
