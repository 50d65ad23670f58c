/// The replicas of one service with what is known of their load right now.
///
/// Replicas have slots, small numbers that are used again, so that whoever keeps something for each replica keeps an
/// array. A table is changed through its ``ReplicaSelector`` alone.
public struct ReplicaTable: Sendable {
  private(set) var records: [ReplicaRecord] = []
  private(set) var order: [Int32] = []
  private(set) var roster = Roster()
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

  /// The replica of a name; nil where there is none.
  public func id(of name: String) -> ReplicaID? {
    roster.slots[name].map { ReplicaID(slot: $0, generation: records[$0].generation) }
  }

  /// What is known beforehand about a replica, with its present state; nil where it is gone.
  public func replica(_ id: ReplicaID) -> Replica? {
    isCurrent(id) ? roster.replicas[id.slot] : nil
  }

  /// The replicas that are not gone, those of a node, a zone and a cluster side by side.
  public var ids: [ReplicaID] {
    order.map { ReplicaID(slot: Int($0), generation: records[Int($0)].generation) }
  }

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
  public func requests(_ slot: Int, at now: Moment) -> Double {
    let record = records[slot]
    let own = Double(record.inFlight)
    guard record.foreign > 0 else { return own }
    return own + record.foreign * hearsay.left(after: now.seconds(since: record.heard))
  }

  /// The requests in flight that a policy should reckon with: ``requests(_:at:)``, and while a replica is warming up that
  /// many times more as it is away from warm, ten times at first.
  public func load(_ slot: Int, at now: Moment) -> Double {
    let requests = requests(slot, at: now)
    return records[slot].isWarming ? requests / warmth(slot, at: now) : requests
  }

  /// How warm a slot's replica is, from 0.1 when it became ready to 1.
  public func warmth(_ slot: Int, at now: Moment) -> Double {
    let record = records[slot]
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
  /// The place of an asker by its names, for ``PickRequest/from``. Names that no replica has are fine.
  public mutating func place(node: String?, zone: String? = nil, cluster: String? = nil) -> Place {
    var names = roster.names
    let place = names.place(node: node, zone: zone, cluster: cluster)
    if names.count != roster.names.count { roster = roster.with(names) }
    return place
  }

  /// How far a replica is from a place.
  public func tier(of slot: Int, from place: Place) -> Tier {
    let there = roster.places[slot]
    if there.node >= 0, there.node == place.node { return .node }
    if there.zone >= 0, there.zone == place.zone { return .zone }
    if there.cluster >= 0, there.cluster == place.cluster { return .cluster }
    return .remote
  }

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
  /// Takes what is known beforehand for what there is now. Replicas that stay keep their slots and their load. Answers
  /// the slots that are new. Of two replicas of one name the later counts.
  mutating func replace(with wanted: [Replica], at now: Moment) -> [Int] {
    let isFirst = records.isEmpty
    var (replicas, places, slots, free) = (roster.replicas, roster.places, roster.slots, roster.free)
    var names = roster.names
    let staying = wanted.filter { $0.state != .gone }
    let stayingNames = Set(staying.map(\.name))
    for (name, slot) in slots.sorted(by: { $0.value < $1.value }) where !stayingNames.contains(name) {
      slots[name] = nil
      free.append(slot)
      replicas[slot].state = .gone
      records[slot].leave()
    }
    var joined: [Int] = []
    for replica in staying {
      precondition(replica.weight > 0, "a replica's weight is above zero")
      let slot = slots[replica.name] ?? free.popLast() ?? records.count
      if slot == records.count {
        records.append(ReplicaRecord())
        replicas.append(replica)
        places.append(.unknown)
      }
      if slots.updateValue(slot, forKey: replica.name) == nil {
        records[slot] = ReplicaRecord(generation: records[slot].generation &+ 1)
        joined.append(slot)
      }
      // Where all are new, nobody is colder than the others.
      records[slot].update(replica, warmsUp: warmUp > 0 && !isFirst, at: now)
      replicas[slot] = replica
      places[slot] = names.place(node: replica.node, zone: replica.zone, cluster: replica.cluster)
    }
    let index = PlaceIndex(slots.values.map { Int32($0) }, places: places)
    roster = Roster(replicas: replicas, places: places, slots: slots, free: free, index: index, names: names)
    order = index.order
    for (position, slot) in order.enumerated() { records[Int(slot)].position = Int32(position) }
    recount()
    return joined
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

  mutating func set(isEjected: Bool, _ slot: Int) {
    records[slot].isEjected = isEjected
    recount()
  }

  /// Hears how many requests a replica has in flight. What is not ours is others'.
  mutating func hear(inFlight: Int, _ slot: Int, at now: Moment) {
    records[slot].foreign = max(0, Double(inFlight) - Double(records[slot].inFlight))
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
    return ReplicaID(slot: slot, generation: records[slot].generation)
  }

  /// Answers whether the replica is still there and had something in flight.
  mutating func release(_ id: ReplicaID) -> Bool {
    guard isCurrent(id), records[id.slot].inFlight > 0 else { return false }
    records[id.slot].inFlight -= 1
    totalInFlight -= 1
    return true
  }
}
