public import Model

/// The replicas of one service with what is known of their load right now.
///
/// Replicas have slots, small numbers that are used again, so that whoever keeps something for each replica keeps an
/// array. A table is changed through its ``ReplicaSelector`` alone.
public struct ReplicaTable: Sendable {
  private(set) var records: [ReplicaRecord] = []
  private(set) var order: [Int32] = []
  /// Who the replicas are.
  public private(set) var roster = Roster()
  /// By slot, as far as one has reported.
  private var reports: [HeardReport?] = []
  /// How many replicas take requests.
  public private(set) var openCount = 0
  /// How many replicas are ready, ejected ones among them.
  public private(set) var readyCount = 0
  /// How many replicas are ejected.
  public private(set) var ejectedCount = 0
  /// The sum of the open replicas' weights.
  private(set) var openWeight = 0.0
  /// Requests in flight that we dispatched, over all replicas, those that are gone not among them.
  public private(set) var totalInFlight = 0
  private let warmUp: Double
  private let hearsay: Decay

  init(slowStart: Duration, reportLifetime: Duration) {
    warmUp = slowStart / .seconds(1)
    hearsay = Decay(reportLifetime)
  }

  /// One more than the largest slot.
  public var slotCount: Int { records.count }
  /// How many replicas there are that are not gone.
  public var count: Int { order.count }

  /// The replica of a name, or of one of its other names; nil where there is none.
  public func id(of name: String) -> ReplicaID? {
    (roster.slots[name] ?? roster.aliases[name]).map(id(at:))
  }

  /// What is known beforehand about a replica, with its present state; nil where it is gone.
  public func replica(_ id: ReplicaID) -> Replica? {
    isCurrent(id) ? roster.replicas[id.slot] : nil
  }

  /// The replicas that are not gone, those of a node, a zone and a cluster side by side.
  public var ids: [ReplicaID] {
    order.map { id(at: Int(truncatingIfNeeded: $0)) }
  }

  func id(at slot: Int) -> ReplicaID { ReplicaID(slot: slot, generation: records[slot].generation) }

  /// The name of a slot's replica.
  public func name(_ slot: Int) -> String { roster.replicas[slot].name }
  /// Whether a slot's replica has other names than its own.
  public func hasAliases(_ slot: Int) -> Bool { !roster.replicas[slot].aliases.isEmpty }
  /// Where a slot's replica is in its life.
  public func state(_ slot: Int) -> ReplicaState { records[slot].state }
  /// Whether a slot's replica takes requests: it is ready and not ejected.
  public func isOpen(_ slot: Int) -> Bool { records[slot].isOpen }
  /// Whether a slot's replica rests because of its outcomes.
  public func isEjected(_ slot: Int) -> Bool { records[slot].isEjected }
  /// Requests in flight that we dispatched to a slot's replica.
  public func inFlight(_ slot: Int) -> Int { Int(records[slot].inFlight) }
  /// A slot's share compared with the others'.
  public func weight(_ slot: Int) -> Double { records[slot].weight }
  /// Requests that a slot's replica works on at a time; nil where nobody knows.
  public func concurrency(_ slot: Int) -> Int? {
    records[slot].concurrency > 0 ? Int(records[slot].concurrency) : nil
  }

  /// All requests in flight at a slot's replica: ours, and those of others as far as we heard of them lately.
  public func requests(_ slot: Int, at now: Moment) -> Double { requests(records[slot], at: now) }

  @inline(__always)
  func requests(_ record: ReplicaRecord, at now: Moment) -> Double {
    let own = Double(record.inFlight)
    guard record.foreign > 0 else { return own }
    return own + record.foreign * hearsay.left(after: now.seconds(since: record.heard))
  }

  /// The requests in flight that a policy should reckon with: ``requests(_:at:)``, and while a replica is warming up that
  /// many times more as it is away from warm, ten times at first.
  public func load(_ slot: Int, at now: Moment) -> Double { load(records[slot], at: now) }

  @inline(__always)
  func load(_ record: ReplicaRecord, at now: Moment) -> Double {
    let requests = requests(record, at: now)
    return record.isWarming ? requests / warmth(record, at: now) : requests
  }

  /// Others' requests in flight at a slot's replica, as far as we heard of them lately.
  public func othersInFlight(_ slot: Int, at now: Moment) -> Double {
    requests(slot, at: now) - Double(records[slot].inFlight)
  }

  /// What a slot's replica last said of each of its figures, when it last said anything, and each; nil where it never did.
  public func lastReport(_ slot: Int) -> (report: LoadReport, heard: Moment, times: ReportTimes)? {
    guard slot < reports.count, let last = reports[slot] else { return nil }
    return (last.report, last.heard, last.times)
  }

  /// How much what was heard at a moment still counts, from 1 to 0.
  public func freshness(of heard: Moment, at now: Moment) -> Double {
    hearsay.left(after: now.seconds(since: heard))
  }

  /// How warm a slot's replica is, from 0.1 when it became ready to 1.
  public func warmth(_ slot: Int, at now: Moment) -> Double { warmth(records[slot], at: now) }

  private func warmth(_ record: ReplicaRecord, at now: Moment) -> Double {
    guard record.isWarming, warmUp > 0 else { return 1 }
    return min(1, max(0.1, now.seconds(since: record.readySince) / warmUp))
  }

  /// Load over what a replica works on at a time, one request more than it has; 1 where it has room.
  public func pressure(_ slot: Int, at now: Moment) -> Double {
    max(1, (load(slot, at: now) + 1) / Double(max(1, records[slot].concurrency)))
  }

  /// Whether a replica would start on a request at once.
  public func hasRoom(_ slot: Int, at now: Moment) -> Bool {
    load(slot, at: now) < Double(max(1, records[slot].concurrency))
  }
}

// MARK: Places

extension ReplicaTable {
  /// How far a replica is from a place.
  public func tier(of slot: Int, from place: Place) -> Tier {
    place.tier(of: roster.places[slot])
  }

  /// Where the replicas of a place's cluster stand in the order of places.
  public func positions(ofClusterOf place: Place) -> Range<Int> { roster.index.ranges(of: place)[.cluster] }

  /// Where a replica stands in the order of places; nil where it is gone.
  public func position(of id: ReplicaID) -> Int? { isCurrent(id) ? position(of: id.slot) : nil }

  /// The slot that stands at a position of the order of places.
  public func slot(at position: Int) -> Int { Int(order[position]) }
  /// Where a slot stands in the order of places; -1 where it is gone.
  public func position(of slot: Int) -> Int { Int(records[slot].position) }

  func isCurrent(_ id: ReplicaID) -> Bool {
    id.slot >= 0 && id.slot < records.count && records[id.slot].generation == id.generation
      && records[id.slot].state != .gone
  }
}

// MARK: Changes

extension ReplicaTable {
  /// Makes a change that was prepared for the present roster; answers whether it was. Replicas that stay keep their load.
  mutating func apply(_ change: RosterChange, at now: Moment) -> Bool {
    guard change.base === roster else { return false }
    // Where nobody is ready yet, nobody is colder than the others.
    let warmsUp = warmUp > 0 && readyCount > 0
    for slot in change.departed { records[slot].leave() }
    for slot in change.joined {
      if slot < records.count {
        records[slot] = ReplicaRecord(generation: records[slot].generation &+ 1)
        if slot < reports.count { reports[slot] = nil }
      } else {
        records.append(ReplicaRecord())
      }
    }
    roster = change.next
    order = roster.index.order
    for (position, slot) in order.enumerated() {
      records[Int(slot)].update(roster.replicas[Int(slot)], warmsUp: warmsUp, at: now)
      records[Int(slot)].position = Int32(truncatingIfNeeded: position)
    }
    recount()
    return true
  }

  private mutating func recount() {
    openCount = 0
    readyCount = 0
    ejectedCount = 0
    openWeight = 0
    totalInFlight = 0
    for slot in order {
      let record = records[Int(slot)]
      totalInFlight += Int(record.inFlight)
      guard record.state == .ready else { continue }
      readyCount += 1
      if record.isEjected { ejectedCount += 1 }
      guard record.isOpen else { continue }
      openCount += 1
      openWeight += record.weight
    }
  }

  mutating func set(labels: UInt64, _ isSet: Bool, _ slot: Int) {
    if isSet { records[slot].labels |= labels } else { records[slot].labels &= ~labels }
  }

  mutating func set(isEjected: Bool, _ slot: Int) {
    guard records[slot].isEjected != isEjected else { return }
    let wasOpen = records[slot].isOpen
    records[slot].isEjected = isEjected
    let change = isEjected ? 1 : -1
    if records[slot].state == .ready { ejectedCount += change }
    guard records[slot].isOpen != wasOpen else { return }
    openCount -= change
    openWeight -= Double(change) * records[slot].weight
  }

  /// Hears what a replica has to do. What is not ours is others'.
  mutating func hear(_ report: LoadReport, _ slot: Int, at now: Moment) {
    while reports.count <= slot { reports.append(nil) }
    var times = reports[slot]?.times ?? ReportTimes()
    times.note(report, at: now)
    reports[slot] = HeardReport(
      report: reports[slot]?.report.updated(with: report) ?? report, heard: now, times: times)
    guard let requests = report.requests(concurrency: concurrency(slot)) else { return }
    records[slot].foreign = max(0, requests - Double(records[slot].inFlight))
    records[slot].heard = now
  }

  /// Hears how many requests others have in flight at a replica.
  mutating func hear(foreign: Int, _ slot: Int, at now: Moment) {
    records[slot].foreign = max(0, Double(foreign))
    records[slot].heard = now
  }

  mutating func dispatch(_ slot: Int) -> ReplicaID {
    records[slot].inFlight += 1
    totalInFlight += 1
    return id(at: slot)
  }

  /// Answers whether the replica is still there and had something in flight.
  mutating func release(_ id: ReplicaID) -> Bool {
    guard isCurrent(id), records[id.slot].inFlight > 0 else { return false }
    records[id.slot].inFlight -= 1
    totalInFlight -= 1
    return true
  }
}

/// What a replica said, and when.
private struct HeardReport: Sendable {
  var report: LoadReport
  var heard: Moment
  var times: ReportTimes
}
