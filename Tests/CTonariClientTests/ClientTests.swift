import CTonariClient
import Daemon
import Foundation
import Glibc
import Overflow
import Selection
import SelectorServer
import Testing

@Suite("The client in C")
struct ClientTests {
  /// Runs a selector whose service `default/checkout` has a replica on each of three nodes.
  static func serving(
    _ address: FramedAddress, _ test: (Dispatcher, String) async throws -> Void
  ) async throws {
    let dispatcher = Dispatcher()
    dispatcher.set(
      (0..<3).map { ServiceReplica(address: "10.0.0.\($0):80", node: "node-\($0)", zone: "zone", cluster: "cluster") },
      of: "default/checkout", from: .file, at: .now)
    let (bound, continuation) = AsyncStream<String>.makeStream()
    let server = try FramedServer(dispatcher, addresses: [address]) { continuation.yield($0[0].description) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await server.run()
      }
      for await address in bound {
        defer { group.cancelAll() }
        try await waitForAnswer(of: address)
        try await test(dispatcher, address)
        break
      }
      try await group.waitForAll()
    }
  }

  /// Waits until a server answers: its threads start when tasks have their turn, which clients that wait would take away.
  private static func waitForAnswer(of address: String) async throws {
    let client = try #require(tonari_open(address, 5000))
    defer { tonari_close(client) }
    #expect(withRequest("none") { tonari_send_pick(client, 1, &$0) } == Int32(TONARI_OK))
    var answer = tonari_answer()
    try await wait {
      _ = tonari_flush(client)
      _ = tonari_receive(client)
      return tonari_next(client, &answer) == Int32(TONARI_OK)
    }
  }

  static func path() -> String { "/tmp/tonari-c-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock" }

  /// Waits until something is so, for ten seconds.
  static func wait(until condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try !condition() {
      try #require(ContinuousClock.now < deadline)
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// Calls with a request whose strings live as long as the call.
  static func withRequest<Value>(
    _ service: String, node: String? = nil, excluded: [String] = [], labels: [String] = [], key: [UInt8] = [],
    retry: Bool = false, alternatives: UInt32 = 0, hops: UInt32 = 0, _ body: (inout tonari_pick_request) throws -> Value
  ) rethrows -> Value {
    var request = tonari_pick_request()
    let texts: [String] = [service, node ?? "", "zone", "cluster"]
    let names: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
    let lists: [[UnsafePointer<CChar>?]] = [excluded, labels].map { list in
      list.map { text in strdup(text).map { UnsafePointer($0) } }
    }
    defer { for name in names { free(name) } }
    defer { for name in lists.joined() { free(UnsafeMutablePointer(mutating: name)) } }
    request.service = UnsafePointer(names[0])
    if node != nil {
      request.node = UnsafePointer(names[1])
      request.zone = UnsafePointer(names[2])
      request.cluster = UnsafePointer(names[3])
    }
    request.retry = retry ? 1 : 0
    request.alternatives = alternatives
    request.hops = hops
    return try lists[0].withUnsafeBufferPointer { excluded in
      try lists[1].withUnsafeBufferPointer { labels in
        try key.withUnsafeBytes { key in
          (request.excluded, request.excluded_count) = (excluded.baseAddress, excluded.count)
          (request.labels, request.label_count) = (labels.baseAddress, labels.count)
          (request.key, request.key_length) = (key.baseAddress, key.count)
          return try body(&request)
        }
      }
    }
  }

  static func string<Tuple>(_ characters: Tuple) -> String {
    withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  @Test("It picks, completes and is refused, on a file and on a port", arguments: [true, false])
  func picking(onFile: Bool) async throws {
    try await Self.serving(onFile ? .unix(Self.path()) : .tcp("127.0.0.1", 0)) { dispatcher, address in
      let client = try #require(tonari_open(address, 5000))
      defer { tonari_close(client) }
      var picked = tonari_picked()
      let status = Self.withRequest("default/checkout", node: "node-1", alternatives: 2) {
        tonari_pick(client, &$0, &picked, 5000)
      }
      #expect(status == Int32(TONARI_OK))
      #expect(Self.string(picked.address) == "10.0.0.1:80")
      #expect(picked.tier == TONARI_NODE)
      #expect(picked.alternative_count == 2)
      #expect(Self.string(picked.alternatives.0).hasPrefix("10.0.0."))
      #expect(dispatcher.status(at: .now)[0].openPicks == 1)
      #expect(tonari_complete(client, picked.pick_id, TONARI_FAILURE, 1500) == Int32(TONARI_OK))
      try await Self.wait { dispatcher.status(at: .now)[0].counts.failed == 1 }

      let excluded = Self.withRequest(
        "default/checkout", node: "node-1", excluded: ["10.0.0.1:80", "10.0.0.2:80"], key: [1, 2], retry: true
      ) { tonari_pick(client, &$0, &picked, 5000) }
      #expect(excluded == Int32(TONARI_OK))
      #expect(Self.string(picked.address) == "10.0.0.0:80")

      #expect(
        Self.withRequest("no/such") { tonari_pick(client, &$0, &picked, 5000) } == Int32(TONARI_NOT_FOUND))
      #expect(
        Self.withRequest("default/checkout", labels: ["a=b"]) { tonari_pick(client, &$0, &picked, 5000) }
          == Int32(TONARI_UNAVAILABLE))
      #expect(
        Self.withRequest(String(repeating: "x", count: 70_000)) { tonari_pick(client, &$0, &picked, 5000) }
          == Int32(TONARI_TOO_LARGE))
    }
  }

  @Test("What was sent on once goes no further, and who is turned away learns when to try again")
  func hops() async throws {
    try await Self.serving(.unix(Self.path())) { dispatcher, address in
      let neighbour = ServiceOverflow.Neighbour(name: "b", capacity: .perMinute(60_000), gateway: "10.9.9.9:443")
      dispatcher.set(
        [
          "default/checkout": ServiceOverflow(
            cluster: "cluster", capacity: .perMinute(60), neighbours: [neighbour])
        ], at: .now)
      let client = try #require(tonari_open(address, 5000))
      defer { tonari_close(client) }
      func pick(hops: UInt32) -> (status: Int32, address: String, hops: UInt32) {
        var picked = tonari_picked()
        let status = Self.withRequest("default/checkout", hops: hops) { tonari_pick(client, &$0, &picked, 5000) }
        return (status, Self.string(picked.address), picked.hops)
      }
      var sentOn = pick(hops: 0)
      for _ in 0..<50 where sentOn.hops == 0 { sentOn = pick(hops: 0) }
      #expect(sentOn == (Int32(TONARI_OK), "10.9.9.9:443", 1))
      #expect(tonari_retry_after(client) == 0)
      var refused = pick(hops: 1)
      for _ in 0..<50 where refused.status == 0 {
        #expect(refused.address != "10.9.9.9:443" && refused.hops == 1)
        refused = pick(hops: 1)
      }
      #expect(refused.status == Int32(TONARI_RESOURCE_EXHAUSTED))
      #expect(tonari_retry_after(client) > 0)
      // The next refusal says nothing of it.
      #expect(
        Self.withRequest("no/such") { request -> Int32 in
          var picked = tonari_picked()
          return tonari_pick(client, &request, &picked, 5000)
        } == Int32(TONARI_NOT_FOUND))
      #expect(tonari_retry_after(client) == 0)
    }
  }

  @Test("Pipelined picks are all answered, each with its id")
  func pipelining() async throws {
    try await Self.serving(.unix(Self.path())) { dispatcher, address in
      let client = try #require(tonari_open(address, 5000))
      defer { tonari_close(client) }
      let total: UInt64 = 5000
      var (sent, answered) = (UInt64(0), Set<UInt64>())
      var answer = tonari_answer()
      while answered.count < Int(total) {
        while sent < total, sent < UInt64(answered.count) + 700 {
          let status = Self.withRequest("default/checkout") { tonari_send_pick(client, sent + 1, &$0) }
          guard status == 0 else { break }
          sent += 1
        }
        #expect([0, Int32(TONARI_AGAIN)].contains(tonari_flush(client)))
        var entry = pollfd(fd: tonari_descriptor(client), events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 10_000) == 1)
        #expect(tonari_receive(client) == 0)
        while tonari_next(client, &answer) == 0 {
          #expect(answer.is_pick == 1)
          answered.insert(answer.id)
          while tonari_send_complete(client, 0, answer.picked.pick_id, TONARI_SUCCESS, 10, nil) != 0 {
            _ = tonari_flush(client)
          }
        }
      }
      while tonari_flush(client) != 0 { try await Task.sleep(for: .milliseconds(1)) }
      try await Self.wait { dispatcher.status(at: .now)[0].counts.succeeded == total }
      #expect(dispatcher.status(at: .now)[0].openPicks == 0)
    }
  }

  @Test("An answer that comes too late is completed as cancelled")
  func lateAnswers() throws {
    let selector = try ScriptedSelector()
    let client = try #require(tonari_open(selector.address, 5000))
    defer { tonari_close(client) }
    let peer = selector.accept()
    defer { close(peer) }
    var picked = tonari_picked()
    #expect(Self.withRequest("a") { tonari_pick(client, &$0, &picked, 20) } == Int32(TONARI_TIMED_OUT))
    // The late answer to pick 1 and, with it, the one to pick 2.
    func answer(_ id: UInt8) -> [UInt8] {
      [0, 0, 0, 0, 18, 0x08, id, 0x1A, 14, 0x09, id, 0, 0, 0, 0, 0, 0, 9, 0x12, 3, 0x61, 0x3A, 0x31]
    }
    let bytes = answer(1) + answer(2)
    #expect(write(peer, bytes, bytes.count) == bytes.count)
    #expect(Self.withRequest("a") { tonari_pick(client, &$0, &picked, 5000) } == 0)
    #expect(picked.pick_id == 9 << 56 | 2)
    #expect(tonari_flush(client) == 0)
    var sent = [UInt8](repeating: 0, count: 200)
    // Two picks of 10 bytes, and what cancels the first.
    let count = recv(peer, &sent, sent.count, 0)
    let cancelled: [UInt8] = [0, 0, 0, 0, 13, 0x22, 11, 0x09, 1, 0, 0, 0, 0, 0, 0, 9, 0x10, 2]
    #expect(Array(sent[..<count].suffix(cancelled.count)) == cancelled)
  }

  @Test("A selector that goes, or sends what is not its protocol, is an error")
  func faults() throws {
    for (bytes, status) in [([], TONARI_DISCONNECTED), ([1, 2, 3, 4, 5], TONARI_MALFORMED)] as [([UInt8], _)] {
      let selector = try ScriptedSelector()
      let client = try #require(tonari_open(selector.address, 5000))
      defer { tonari_close(client) }
      let peer = selector.accept()
      if !bytes.isEmpty { _ = write(peer, bytes, bytes.count) }
      shutdown(peer, Int32(SHUT_WR))
      var picked = tonari_picked()
      #expect(Self.withRequest("a") { tonari_pick(client, &$0, &picked, 5000) } == Int32(status))
      close(peer)
    }
  }

  @Test(
    "An address that nobody listens on is an error",
    arguments: [
      ("unix:/no/such/socket", ENOENT), ("tcp:127.0.0.1:1", ECONNREFUSED), ("udp:a:1", EINVAL), ("tcp:1", EINVAL),
      ("tcp:127.0.0.1:0", EINVAL), ("tcp:127.0.0.1:65536", EINVAL), ("tcp:127.0.0.1:+1", EINVAL),
      ("tcp:127.0.0.1:", EINVAL), ("tcp:127.0.0.1:http", EINVAL),
      ("tcp:127.0.0.1:" + String(repeating: "9", count: 60), EINVAL),
      ("unix:/" + String(repeating: "x", count: 200), ENAMETOOLONG),
    ])
  func unreachable(address: String, number: Int32) {
    errno = 0
    #expect(tonari_open(address, 1000) == nil)
    #expect(errno == number)
  }

  @Test("A port that is none leads nowhere, not to the one with the same last bits")
  func wrappedPort() async throws {
    try await Self.serving(.tcp("127.0.0.1", 0)) { _, address in
      let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
      tonari_close(try #require(tonari_open("tcp:127.0.0.1:\(port)", 5000)))
      #expect(tonari_open("tcp:127.0.0.1:\(port + 65_536)", 1000) == nil)
    }
  }

  @Test("A request that goes on keeps its pick, and a late word of its end counts")
  func underWay() async throws {
    try await Self.serving(.unix(Self.path())) { dispatcher, address in
      let client = try #require(tonari_open(address, 5000))
      defer { tonari_close(client) }
      var picked = tonari_picked()
      func pick() -> Int32 {
        Self.withRequest("default/checkout") { tonari_pick(client, &$0, &picked, 5000) }
      }
      #expect(pick() == Int32(TONARI_OK))
      let service = try #require(dispatcher.service("default/checkout"))
      #expect(tonari_complete(client, picked.pick_id, TONARI_UNDER_WAY, 0) == Int32(TONARI_OK))
      // The next answer comes after it was heard.
      #expect(pick() == Int32(TONARI_OK))
      #expect(service.tally.inFlight == 2 && service.tally.counts.succeeded == 0)
      #expect(tonari_complete(client, picked.pick_id, TONARI_SUCCESS, 0) == Int32(TONARI_OK))
      try await Self.wait { service.tally.inFlight == 1 && service.tally.counts.succeeded == 1 }
    }
  }
}

/// Listens, and leaves what is said to the test.
final class ScriptedSelector {
  let address: String
  private let path = ClientTests.path()
  private let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)

  init() throws {
    address = "unix:\(path)"
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0 && listen(descriptor, 8) == 0)
  }

  deinit {
    close(descriptor)
    unlink(path)
  }

  func accept() -> Int32 { Glibc.accept(descriptor, nil, nil) }
}
