import Daemon
import Synchronization
import Testing

@Suite("Budgets")
struct BudgetTests {
  private let one = Peer("one")
  private let other = Peer("other")

  @Test("nobody takes more than a peer may have, and all together no more than there is")
  func bounds() {
    let budget = Budget("things", total: 5, perPeer: 3)
    #expect(budget.take(2, for: one))
    #expect(!budget.take(2, for: one), "a peer may have three")
    #expect(budget.take(for: one))
    #expect(!budget.take(3, for: other), "there are five")
    #expect(budget.take(2, for: other))
    #expect(budget.held == 5)
    #expect(budget.refused == 2)
    budget.give(3, from: one)
    budget.give(7, from: one)
    #expect(budget.held == 2, "nobody gives back what they have not")
    #expect(budget.take(3, for: one))
  }

  private final class Closed: Sendable {
    let names = Mutex<[Int]>([])
  }

  @Test("a new connection is let in, and of whoever holds most the one goes that is idle for longest")
  func eviction() throws {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 12, perPeer: 10))
    let closed = Closed()
    var entries: [ConnectionLedger.Entry] = []
    for number in 0..<10 {
      let entry = ledger.admit(one, at: Int64(number)) { closed.names.withLock { $0.append(number) } }
      entries.append(try #require(entry))
    }
    let kept = try #require(ledger.admit(other, at: 0) { closed.names.withLock { $0.append(100) } })
    _ = try #require(ledger.admit(Peer("third"), at: 0) {})
    entries[0].note(at: 1_000_000_000)
    #expect(ledger.admit(other, at: 2_000_000_000) {} != nil)
    #expect(closed.names.withLock { $0 } == [1], "the biggest holder's, and not the one that was at work lately")
    #expect(ledger.count == 12)
    #expect(ledger.evicted == 1)
    // A connection that was evicted leaves once more when it is closed.
    ledger.leave(entries[1])
    ledger.leave(kept)
    #expect(ledger.count == 11)
  }

  @Test("a connection that was answered stays where its peer has others that never were, however long it is idle")
  func worked() throws {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 12, perPeer: 6))
    let closed = Closed()
    let innocent = try #require(ledger.admit(one, at: 0) { closed.names.withLock { $0.append(-1) } })
    innocent.noteAnswer(at: 0)
    for number in 1...500 {
      let entry = ledger.admit(one, at: Int64(number) * 10_000_000) { closed.names.withLock { $0.append(number) } }
      // Half of something is not answered.
      try #require(entry).note(at: Int64(number) * 10_000_000)
    }
    #expect(closed.names.withLock { $0 } == Array(1...495))
  }

  @Test("of a user's processes the one makes room that holds most, though another one's connection asked nothing yet")
  func processes() throws {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 12, perPeer: 6))
    let closed = Closed()
    _ = try #require(ledger.admit(one, process: 7, at: 0) { closed.names.withLock { $0.append(-1) } })
    for number in 1...500 {
      let time = Int64(number) * 10_000_000
      let entry = ledger.admit(one, process: 8, at: time) { closed.names.withLock { $0.append(number) } }
      try #require(entry).noteAnswer(at: time)
    }
    #expect(closed.names.withLock { $0 } == Array(1...495))
  }

  @Test("no more are to be taken while those that made room are open still")
  func crowded() throws {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 80, perPeer: 80))
    var entries: [ConnectionLedger.Entry] = []
    for number in 0..<90 { entries.append(try #require(ledger.admit(one, at: Int64(number) * 10_000_000) {})) }
    #expect(!ledger.isCrowded)
    entries.append(try #require(ledger.admit(one, at: 1_000_000_000) {}))
    #expect(ledger.isCrowded)
    for entry in entries { ledger.leave(entry) }
    #expect(!ledger.isCrowded)
    #expect(ledger.count == 0)
  }

  @Test("who is at its own limit makes room for itself")
  func own() throws {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 100, perPeer: 2))
    let closed = Closed()
    for number in 0..<5 {
      let entry = ledger.admit(one, at: Int64(number) * 1_000_000_000) { closed.names.withLock { $0.append(number) } }
      #expect(entry != nil)
    }
    #expect(closed.names.withLock { $0 } == [0, 1, 2])
  }

  @Test("where all of a peer's connections are at work, a new one of it is refused")
  func busy() {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 100, perPeer: 2))
    for _ in 0..<2 { #expect(ledger.admit(one, at: 1000) {} != nil) }
    #expect(ledger.admit(one, at: 1000) {} == nil)
    #expect(ledger.refused == 1)
    #expect(ledger.admit(other, at: 1000) {} != nil)
  }

  @Test("however connections come and go, the books are right")
  func books() throws {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 50, perPeer: 20))
    var generator = SystemRandomNumberGenerator()
    var open: [ConnectionLedger.Entry] = []
    let evicted = Closed()
    for step in 0..<5000 {
      if !open.isEmpty, generator.next() % 3 == 0 {
        ledger.leave(open.remove(at: Int.random(in: open.indices)))
      } else {
        let peer = Peer("\(Int.random(in: 0..<4))")
        let entry = ledger.admit(peer, at: Int64(step) * 10_000_000) { evicted.names.withLock { $0.append(step) } }
        open.append(try #require(entry))
      }
      #expect(ledger.count <= 50)
    }
    for entry in open { ledger.leave(entry) }
    #expect(ledger.count == 0)
    #expect(UInt64(evicted.names.withLock { $0.count }) == ledger.evicted)
  }

  @Test("without descriptors left, some connections go at once")
  func noDescriptors() {
    let ledger = ConnectionLedger(ConnectionLedger.Limits(total: 100, perPeer: 100))
    for _ in 0..<30 { _ = ledger.admit(one, at: 0) {} }
    #expect(ledger.evict(8, at: 10_000_000_000) == 8)
    #expect(ledger.count == 22)
  }
}
