import Formats
import Foundation
import Logging
import Selection
import Synchronization
import Testing

@testable import Daemon
@testable import SelectorServer

@Suite("A file of replicas")
struct ReplicaFileTests {
  @Test("says all there is to say of a replica")
  func everything() throws {
    let services = try ReplicaFile.services(
      """
      services:
      - name: shop/cart
        replicas:
        - {address: "10.0.0.1:80", node: n1, zone: z1, cluster: c1, weight: 2.5, concurrency: 4, labels: [v=1], state: draining}
        - address: "[::1]:80"
      - name: shop/empty
      """, file: "f")
    #expect(
      services == [
        "shop/cart": [
          ServiceReplica(
            address: "10.0.0.1:80", node: "n1", zone: "z1", cluster: "c1", weight: 2.5, concurrency: 4, labels: ["v=1"],
            state: .draining),
          ServiceReplica(address: "[::1]:80"),
        ],
        "shop/empty": [],
      ])
  }

  @Test(
    "an error names file, line and field, what was found and what was expected",
    arguments: [
      ("", "f: is empty, expected a mapping"),
      ("- a", "f: line 1: found a list, expected a mapping with services"),
      ("service: []", "f: line 1: service: unknown, expected one of services"),
      ("services:\n- replicas: []", "f: line 2: services[0]: found a mapping, expected name among its fields"),
      ("services:\n- name: a\n- name: a", "f: line 3: services[1].name: found 'a' twice, expected it once"),
      (
        "services:\n- name: a\n  replicas:\n  - address: x",
        "f: line 4: services[0].replicas[0]: address 'x': expected host:port"
      ),
      (
        "services:\n- name: a\n  replicas:\n  - {address: 'x:1', weight: heavy}",
        "f: line 4: services[0].replicas[0].weight: found 'heavy', expected a number from 1e-06 to 1000000"
      ),
      (
        "services:\n- name: a\n  replicas:\n  - {address: 'x:1', concurrency: 1.5}",
        "f: line 4: services[0].replicas[0].concurrency: found '1.5', expected a whole number from 1 to 1000000"
      ),
      (
        "services:\n- name: a\n  replicas:\n  - {address: 'x:1', state: sleepy}",
        "f: line 4: services[0].replicas[0].state: found 'sleepy', expected one of ready, starting, draining"
      ),
      (
        "services:\n- name: a\n  replicas:\n  - {address: 'x:1'}\n  - {address: 'x:1'}",
        "f: line 5: services[0].replicas[1]: found x:1 twice, expected it once"
      ),
      ("services: 5", "f: line 1: services: found '5', expected a list"),
      (
        "services:\n- name: a\n  replicas: [x]",
        "f: line 3: services[0].replicas[0]: found 'x', expected a mapping with address, node, zone, cluster, weight, concurrency, labels, state"
      ),
    ])
  func errors(_ text: String, _ message: String) {
    let error = #expect(throws: FileError.self) { try ReplicaFile.services(text, file: "f") }
    #expect(error.map { "\($0)" } == message)
  }

  @Test("no text breaks the reader", arguments: 0..<300)
  func mutations(_ seed: Int) {
    var bytes = Array("services:\n- name: a\n  replicas:\n  - {address: 'x:1', weight: 2, labels: [a=b]}\n".utf8)
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    for _ in 0..<1 + seed % 6 {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 20)
    }
    do throws(FileError) {
      let services = try ReplicaFile.services(String(decoding: bytes, as: UTF8.self), file: "f")
      #expect(services.values.joined().allSatisfy { $0.fault == nil })
    } catch {
      #expect(error.file == "f")
    }
  }

  @Test("is read again when it changes; what cannot be read leaves what was there")
  func reload() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "replicas-\(UUID().uuidString).yaml").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) }
    try write("services: [{name: s, replicas: [{address: 'a:1'}]}]")
    let dispatcher = Dispatcher()
    let file = try ReplicaFile(path, dispatcher, logger: Logger(label: "") { _ in SwiftLogNoOpLogHandler() })
    func addresses() -> [String] {
      dispatcher.service("s")?.status(at: .now).replicas.map(\.replica.address).sorted() ?? []
    }
    #expect(addresses() == ["a:1"])
    try write("services: [{name: s, replicas: [{address: 'a:1'}, {address: 'b:1'}]}]")
    file.reload()
    #expect(addresses() == ["a:1", "b:1"])
    try write("services: nonsense")
    file.reload()
    #expect(addresses() == ["a:1", "b:1"])
    #expect(file.report().fault?.contains("expected a list") == true)
    try write("services: []")
    file.reload()
    #expect(dispatcher.service("s") == nil)
    #expect(file.report().fault == nil)
  }

  @Test("is read by one at a time, however many want it to be, and not again by who waited for a change that was read")
  func together() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "watched-\(UUID().uuidString).yaml").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("a".utf8).write(to: URL(filePath: path), options: .atomic)
    let counts = Mutex((reading: 0, most: 0, reads: 0))
    let file = try WatchedFile(path, content: "tests", logger: Logger(label: "") { _ in SwiftLogNoOpLogHandler() }) {
      file in
      counts.withLock { counts in
        counts.reading += 1
        counts.most = max(counts.most, counts.reading)
      }
      // Long enough for others to come.
      for _ in 0..<200 {
        _ = try InputFile(path).readAll()
        sched_yield()
      }
      counts.withLock { counts in
        counts.reads += 1
        counts.reading -= 1
      }
    }
    DispatchQueue.concurrentPerform(iterations: 8) { _ in file.reload(always: true) }
    #expect(counts.withLock { $0.most == 1 && $0.reads == 9 })
    try Data("b".utf8).write(to: URL(filePath: path), options: .atomic)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in file.reload() }
    #expect(counts.withLock { $0.most == 1 && $0.reads == 10 })
  }
}
