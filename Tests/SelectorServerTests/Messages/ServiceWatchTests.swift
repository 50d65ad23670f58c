import Model
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

struct ServiceWatchTests {
  private let dispatcher = Dispatcher()

  private func set(_ service: String, _ count: Int, at seconds: Double) {
    dispatcher.set(
      (0..<count).map { ServiceReplica(address: "10.0.0.\($0):80") }, of: service, from: .file, at: .seconds(seconds))
  }

  @Test("All is told at first, then what has changed, then what is gone")
  func changes() throws {
    set("a", 2, at: 1)
    set("b", 1, at: 1)
    var watch = try ServiceWatch(.init(), dispatcher)
    #expect(watch.interval == .seconds(1))
    let first = watch.changes(at: .seconds(1))
    #expect(first.map(\.service) == ["a", "b"])
    #expect(first.map(\.replicas.count) == [2, 1])
    #expect(first.allSatisfy { $0.policy == "tonari" && $0.revision > 0 })
    #expect(watch.changes(at: .seconds(1)).isEmpty)
    set("b", 2, at: 2)
    #expect(watch.changes(at: .seconds(2)).map(\.service) == ["b"])
    set("a", 0, at: 3)
    let gone = watch.changes(at: .seconds(3))
    #expect(gone.map(\.service) == ["a"] && gone[0].gone)
    #expect(watch.changes(at: .seconds(4)).isEmpty)
    set("a", 1, at: 5)
    #expect(watch.changes(at: .seconds(5)).map(\.gone) == [false])
  }

  @Test("A load is told with its age, which alone is no change")
  func load() throws {
    set("a", 1, at: 1)
    var watch = try ServiceWatch(.with { $0.services = ["a"] }, dispatcher)
    _ = watch.changes(at: .seconds(1))
    dispatcher.service("a")?.report(LoadReport(cpuUtilization: 0.5), of: "10.0.0.0:80", at: .seconds(2))
    let changes = watch.changes(at: .seconds(2.5))
    #expect(changes.first?.replicas.first?.load.cpuUtilization == 0.5)
    #expect(changes.first?.replicas.first?.loadAgeMs == 500)
    #expect(watch.changes(at: .seconds(2.6)).isEmpty)
  }

  @Test("Of services that are asked for by name, others are not told, and missing ones are told as gone once")
  func named() throws {
    set("a", 1, at: 1)
    set("b", 1, at: 1)
    var watch = try ServiceWatch(.with { $0.services = ["b", "missing", "b"] }, dispatcher)
    #expect(watch.changes(at: .seconds(1)).map { "\($0.service) \($0.gone)" } == ["b false", "missing true"])
    #expect(watch.changes(at: .seconds(1)).isEmpty)
    set("missing", 1, at: 2)
    #expect(watch.changes(at: .seconds(2)).map(\.service) == ["missing"])
    set("missing", 0, at: 3)
    #expect(watch.changes(at: .seconds(3)).map(\.gone) == [true])
    #expect(watch.changes(at: .seconds(4)).isEmpty)
  }

  @Test("Intervals too short and lists too long are refused")
  func bounds() {
    #expect(throws: SelectorFault.self) { try ServiceWatch(.with { $0.intervalMs = 9 }, dispatcher) }
    #expect(throws: SelectorFault.self) {
      try ServiceWatch(.with { $0.services = Array(repeating: "a", count: 10_001) }, dispatcher)
    }
    #expect((try? ServiceWatch(.with { $0.intervalMs = 10 }, dispatcher))?.interval == .milliseconds(10))
  }

  @Test("A service is told under the names by which it is asked for, whichever it means by and by")
  func otherNames() throws {
    func told(_ watch: inout ServiceWatch, at seconds: Double) -> [String] {
      watch.changes(at: .seconds(seconds)).map { "\($0.service) \($0.gone ? "gone" : "\($0.replicas.count)")" }
    }
    set("s", 1, at: 1)
    dispatcher.set(aliases: ["s:http"], of: "s")
    var watch = try ServiceWatch(.with { $0.services = ["s:http", "s:grpc"] }, dispatcher)
    #expect(told(&watch, at: 1) == ["s:http 1", "s:grpc gone"])
    #expect(told(&watch, at: 1).isEmpty)
    set("s", 2, at: 2)
    #expect(told(&watch, at: 2) == ["s:http 2"])
    // A second port takes the name's place, and the first one has its own.
    set("s:http", 3, at: 3)
    #expect(told(&watch, at: 3) == ["s:http 3"])
    set("s:http", 0, at: 4)
    #expect(told(&watch, at: 4) == ["s:http 2"])
    set("s", 0, at: 5)
    #expect(told(&watch, at: 5) == ["s:http gone"])
    var all = try ServiceWatch(.init(), dispatcher)
    set("s", 1, at: 6)
    #expect(told(&all, at: 6) == ["s 1"], "whoever watches all hears of each once")
  }
}
