import Formats

/// One candidate of an election by lease, without I/O: what it makes of what it sees, with time handed in.
///
/// Times of a record are never compared with a clock here: a lease has run out when its record has not changed for as
/// long as it holds, measured by the candidate's own monotonic clock. So it does not matter how clocks are set, only
/// that they run about equally fast. A leader counts from before it sent its last renewal, everybody else from after
/// they saw it, so it steps down before anybody else can take over, as long as `renewDeadline` is shorter than
/// `leaseDuration`. (As client-go's `leaderelection` does.)
struct Candidacy {
  /// Who this candidate is, and its times.
  let configuration: LeaderElector.Configuration

  /// The last record that was seen, and when it was first seen so.
  private var observed: (record: LeaseRecord, since: ContinuousClock.Instant)?
  /// When the last renewal that succeeded was sent; nil for one who does not lead.
  private var renewedAt: ContinuousClock.Instant?

  init(_ configuration: LeaderElector.Configuration) {
    self.configuration = configuration
  }

  /// Who holds the lease as far as is known; nil for nobody.
  var holder: String? { observed.flatMap { $0.record.holder.isEmpty ? nil : $0.record.holder } }

  /// Until when this candidate leads, if nothing else happens; nil where it does not lead.
  var leadsUntil: ContinuousClock.Instant? { renewedAt.map { $0 + configuration.renewDeadline } }

  /// Whether this candidate leads.
  func isLeading(at now: ContinuousClock.Instant) -> Bool { leadsUntil.map { now < $0 } ?? false }

  /// The lease was read (nil: there is none). Answers the record to write, or nil where somebody else holds it.
  ///
  /// - Parameters:
  ///   - record: What the lease says.
  ///   - now: When it was read.
  ///   - time: What the wall clock says, for the record.
  mutating func see(_ record: LeaseRecord?, at now: ContinuousClock.Instant, time: Timestamp) -> LeaseRecord? {
    guard let record else {
      observed = nil
      return LeaseRecord(
        holder: configuration.identity, duration: configuration.leaseDuration, acquireTime: time, renewTime: time,
        transitions: 0)
    }
    if observed?.record != record { observed = (record, now) }
    let isOurs = record.holder == configuration.identity
    if !isOurs { renewedAt = nil }
    guard isOurs || record.holder.isEmpty || hasRunOut(record, at: now) else { return nil }
    return LeaseRecord(
      holder: configuration.identity, duration: configuration.leaseDuration,
      acquireTime: isOurs ? record.acquireTime : time, renewTime: time,
      transitions: isOurs ? record.transitions : record.transitions + 1)
  }

  private func hasRunOut(_ record: LeaseRecord, at now: ContinuousClock.Instant) -> Bool {
    let duration = record.duration > .zero ? record.duration : configuration.leaseDuration
    return observed.map { $0.since + duration <= now } ?? false
  }

  /// A record of ours was written; the request was sent at that time.
  mutating func wrote(_ record: LeaseRecord, sentAt: ContinuousClock.Instant) {
    observed = (record, sentAt)
    renewedAt = record.holder == configuration.identity ? sentAt : nil
  }

  /// Notes that the time of this candidate is over where it is.
  mutating func stepDown(at now: ContinuousClock.Instant) {
    if !isLeading(at: now) { renewedAt = nil }
  }

  /// The record to write to hand the lease over; nil where this candidate does not lead.
  func release(at now: ContinuousClock.Instant, time: Timestamp) -> LeaseRecord? {
    guard isLeading(at: now), var record = observed?.record else { return nil }
    record.holder = ""
    record.duration = .seconds(1)
    record.renewTime = time
    return record
  }
}
