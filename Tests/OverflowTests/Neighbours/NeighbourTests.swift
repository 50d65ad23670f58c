import Model
import Overflow
import Testing

struct NeighbourTests {
  private let settings = OverflowSettings()

  @Test(
    "A headroom is believed for half its life and then fades to none",
    arguments: [(0.0, 300.0), (5, 300), (7.5, 150), (10, 0), (100, 0), (-9, 300), (-11, 0)])
  func fading(age: Double, usable: Double) {
    let headroom = Headroom(perMinute: 300, at: .seconds(50), lifetime: .seconds(10))
    #expect(abs(headroom.usable(at: .seconds(50 + age)) - usable) < 1e-6)
  }

  @Test("Unknown headroom counts as little")
  func unknown() {
    #expect(Neighbour(name: "b").room(settings, at: .start) == settings.unknownPerMinute)
    let known = Headroom(perMinute: 300, at: .start, lifetime: .seconds(10))
    #expect(Neighbour(name: "b", headroom: known).room(settings, at: .start) == 300)
    #expect(Neighbour(name: "b", headroom: known, limitPerMinute: 100).room(settings, at: .start) == 100)
  }

  @Test("What is sent already is part of what a neighbour has")
  func sent() {
    func room(_ headroom: Double, received: Double?, sent: Double) -> Double {
      Neighbour(
        name: "b",
        headroom: Headroom(perMinute: headroom, receivedPerMinute: received, at: .start, lifetime: .seconds(9)),
        sentPerMinute: sent
      ).room(settings, at: .start)
    }
    #expect(room(100, received: 200, sent: 200) == 300)
    #expect(room(0, received: 200, sent: 200) == 200)
    #expect(room(-50, received: 200, sent: 200) == 150)
    // Of what is too much each takes back its part; of what is left each takes a part at a time.
    #expect(room(-100, received: 200, sent: 50) == 25)
    #expect(room(100, received: 200, sent: 50) == 100)
    #expect(room(-100, received: 200, sent: 0) == 0)
  }

  @Test("A neighbour that fails gets nothing at once, then a trickle, and returns once that is answered")
  func health() {
    var neighbour = Neighbour(
      name: "b", headroom: Headroom(perMinute: 300, at: .start, lifetime: .seconds(1000)))
    neighbour.health.note(requests: 4, failures: 1, at: .seconds(1))
    #expect(neighbour.room(settings, at: .seconds(1)) == 300)
    for _ in 0..<3 { neighbour.health.note(requests: 1, failures: 1, at: .seconds(2)) }
    #expect(neighbour.health.isDown(at: .seconds(2)) && neighbour.room(settings, at: .seconds(3.9)) == 0)
    #expect(neighbour.room(settings, at: .seconds(4)) == settings.tricklePerMinute)
    // It fails again: the pause is longer.
    neighbour.health.note(requests: 1, failures: 1, at: .seconds(4.5))
    #expect(neighbour.room(settings, at: .seconds(8)) == 0)
    neighbour.health.note(requests: 2, failures: 0, at: .seconds(9))
    #expect(neighbour.room(settings, at: .seconds(9)) == settings.tricklePerMinute)
    neighbour.health.note(requests: 1, failures: 0, at: .seconds(9))
    #expect(neighbour.health.state(at: .seconds(9)) == .healthy && neighbour.room(settings, at: .seconds(9)) == 300)
  }
}
