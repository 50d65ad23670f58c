import CProtobufC
import Daemon
import Glibc
import Model
import Selection

/// What is known of a peer from what it sent.
struct FrameSession: ~Copyable {
  /// A longer place is looked up each time.
  private static let longestPlace = 256

  /// Who asks.
  let caller: Caller
  /// Who is at the other end, for what a peer may have.
  let peer: Peer
  /// Whether it may pick.
  let mayPick: Bool
  /// What its picks are completed with besides their ids.
  let key: PickKey
  /// The key as answers tell it; nil where they do not.
  let toldKey: UnsafeMutableRawPointer?
  /// Whether it ever registered a replica.
  var hasRegistered = false
  /// Picks that it did not complete; more than there are where others complete them, or they expired lately.
  private(set) var openPicks = 0
  /// What it ever picked from.
  private(set) var picked = PickedServices()
  /// Picks, and renewals of picks, in a time as long as a pick stays open.
  private var heldInPeriod = 0
  private var periodEnd = Moment(nanoseconds: .min)
  /// What it watches.
  var watches: [FrameWatch] = []
  /// The one that is answered first.
  var firstWatch = 0
  /// The bytes of the place from which its last request came: a peer mostly asks for requests of one place.
  private var place: UnsafeMutablePointer<UInt8>
  private var placeLength = -1
  private var knownPlace = Place.unknown

  /// Its number for the dispatcher.
  var owner: UInt32 { caller.owner }

  init(_ caller: Caller, peer: Peer = Peer("unknown")) {
    self.caller = caller
    self.peer = peer
    mayPick = caller.rights.allows(.pick)
    key = caller.key
    toldKey = caller.isToldItsKey ? .allocate(byteCount: PickKey.byteCount, alignment: 8) : nil
    if let toldKey {
      caller.key.withBytes {
        UnsafeMutableRawBufferPointer(start: toldKey, count: PickKey.byteCount).copyMemory(from: $0)
      }
    }
    place = .allocate(capacity: Self.longestPlace)
  }

  deinit {
    place.deallocate()
    toldKey?.deallocate()
  }

  /// Counts a pick.
  @inline(__always)
  mutating func note(pick id: UInt64) {
    openPicks &+= 1
    heldInPeriod &+= 1
    picked.note(pick: id)
  }

  /// Counts a pick that is complete.
  @inline(__always)
  mutating func noteCompletion() {
    if openPicks > 0 { openPicks &-= 1 }
  }

  /// Counts a pick that goes on: it is open for a lifetime from now on. More than once where it was renewed before.
  @inline(__always)
  mutating func noteRenewal() {
    heldInPeriod &+= 1
  }

  /// Counts no longer what must have expired, so that completions that get lost do not add up.
  @inline(__always)
  mutating func forgetExpired(at now: Moment, lifetime: Int64) {
    guard now >= periodEnd else { return }
    // At least a lifetime has passed: what was picked before, and not renewed, is not open any more.
    openPicks = min(openPicks, heldInPeriod)
    heldInPeriod = 0
    periodEnd = Moment(nanoseconds: now.nanoseconds &+ lifetime)
  }

  /// The place whose message has these bytes, where it is the last one.
  @inline(__always)
  func knownPlace(_ bytes: TonariBytes) -> Place? {
    guard bytes.length == placeLength, memcmp(bytes.start, place, placeLength) == 0 else { return nil }
    return knownPlace
  }

  mutating func learnPlace(_ bytes: TonariBytes, _ known: Place) {
    guard bytes.length <= Self.longestPlace, let start = bytes.start else { return }
    place.update(from: start, count: bytes.length)
    placeLength = bytes.length
    knownPlace = known
  }
}

/// A watch of a peer.
struct FrameWatch {
  /// The request's id, which all answers carry.
  var id: UInt64
  var watch: ServiceWatch
  /// When it is answered next.
  var due: Moment
}
