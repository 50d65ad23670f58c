import AllocationCounter
import Model
import Overflow
import Selection
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("Frames and their answers")
struct FrameProcessorTests {
  @Test("A pick names a replica near the asker and is open until it is completed")
  func picking() throws {
    var bench = FrameBench()
    let answer = try #require(try bench.answers(Frames.pick(7, node: "node-1")).first)
    #expect(answer.id == 7)
    #expect(answer.picked.address == "10.0.0.1:8080")
    #expect(answer.picked.tier == .node)
    #expect(answer.picked.pickID != 0)
    #expect(bench.dispatcher.status(at: bench.now)[0].openPicks == 1)
    #expect(bench.session.openPicks == 1)

    let completed = try bench.answers(Frames.complete(8, answer.picked.pickID) { $0.latencyUs = 1500 })
    #expect(
      completed == [
        .with {
          $0.id = 8; $0.completed = .init()
        }
      ])
    #expect(bench.dispatcher.status(at: bench.now)[0].openPicks == 0)
    #expect(bench.session.openPicks == 0)
  }

  @Test("Requests that are written in an unusual way are answered as the usual ones")
  func otherForms() throws {
    var bench = FrameBench()
    let usual = try Frames.pick(300, node: "node-2").serializedBytes() as [UInt8]
    // The id after the message, and an unknown field.
    let id = Array(usual.prefix(3))
    let moved = Array(usual.dropFirst(3)) + id + [0xA2, 0x06, 0x01, 0x00]
    for bytes in [usual, moved, usual] {
      #expect(bench.send(Frames.framed(bytes)).fault == nil)
      let answer = try #require(try bench.answers().first)
      #expect(answer.id == 300)
      #expect(answer.picked.address == "10.0.0.2:8080")
      _ = try bench.answers(Frames.complete(0, answer.picked.pickID))
    }
  }

  @Test("A place is the one that the request names, whatever the one before named")
  func places() throws {
    var bench = FrameBench()
    for node in [0, 1, 1, 2, 0, 2] {
      let answer = try #require(try bench.answers(Frames.pick(1, node: "node-\(node)")).first)
      #expect(answer.picked.address == "10.0.0.\(node):8080")
      _ = try bench.answers(Frames.complete(0, answer.picked.pickID))
    }
    let nowhere = try #require(try bench.answers(Frames.pick(1)).first)
    #expect(nowhere.picked.tier == .remote)
    let own = Place(node: "node-2", zone: "zone", cluster: "cluster")
    var other = FrameBench(FrameBench.dispatcher(replicas: 3, DispatcherOptions(place: own)))
    _ = try other.answers(Frames.pick(1, node: "node-0"))
    #expect(try other.answers(Frames.pick(1)).first?.picked.address == "10.0.0.2:8080")
  }

  @Test("Excluded addresses, labels and alternatives count")
  func wishes() throws {
    var bench = FrameBench()
    let excluded = Frames.pick(1, node: "node-1") { $0.excluded = ["10.0.0.1:8080", "10.0.0.0:8080"] }
    #expect(try bench.answers(excluded).first?.picked.address == "10.0.0.2:8080")
    let labelled = Frames.pick(1, node: "node-1") { $0.labels = ["version=0"] }
    #expect(try bench.answers(labelled).first?.picked.address == "10.0.0.0:8080")
    let several = try #require(try bench.answers(Frames.pick(1) { $0.alternatives = 1_000_000 }).first).picked
    #expect(Set([several.address] + several.alternatives).count == 3)
  }

  @Test(
    "A request that is too many for its cluster has one hop more, and learns when to come back where nobody has room")
  func overflow() throws {
    let dispatcher = FrameBench.dispatcher(replicas: 3)
    let name = try #require(dispatcher.status(at: .start).first?.name)
    let neighbour = ServiceOverflow.Neighbour(
      name: "b", limitPerMinute: 60, capacity: .perMinute(600), gateway: "10.9.9.9:443")
    dispatcher.set(
      [name: ServiceOverflow(cluster: "cluster", capacity: .perMinute(60), neighbours: [neighbour])], at: .start)
    var bench = FrameBench(dispatcher)
    #expect(try bench.answers(Frames.pick(1)).first?.picked.hops == 0)
    // By the way that is quick, and by the one that reads whatever there is.
    for labels in [[], ["version=0"]] {
      let refused = try #require(
        try bench.answers(
          Frames.pick(2) {
            $0.hops = 1
            $0.labels = labels
          }
        ).first)
      #expect(refused.error.code == 8 && refused.error.retryAfterMs >= 1000)
    }
    let sent = try #require(try bench.answers(Frames.pick(3)).first)
    #expect(sent.picked.hops == 1 && sent.picked.address == "10.9.9.9:443" && sent.picked.tier == .remote)
  }

  @Test("A key leads to the same replica as by gRPC's messages")
  func keys() throws {
    var bench = FrameBench(FrameBench.dispatcher(replicas: 10))
    for key in ["a", "b", "c", "session-17"] {
      let request = Frames.pick(1) { $0.key.append(contentsOf: key.utf8) }
      let framed = try #require(try bench.answers(request).first).picked
      _ = try bench.answers(Frames.complete(0, framed.pickID))
      let message = try bench.processor.messages.pick(request.pick, owner: 0, at: bench.now, using: PickAnswer())
      #expect(framed.address == message.address)
    }
  }

  @Test(
    "What cannot be done is said",
    arguments: [
      (Frames.pick(1, "no/such"), 5),
      (Frames.pick(1, ""), 3),
      (Frames.pick(1, String(repeating: "x", count: 600)), 3),
      (Frames.pick(1) { $0.labels = ["version=none"] }, 14),
      (Frames.pick(1) { $0.labels = Array(repeating: "a=b", count: 65) }, 3),
      (
        .with {
          $0.id = 1; $0.report.service = "no/such"
        }, 5
      ),
      (
        .with {
          $0.id = 1; $0.register.service = "a"; $0.register.lifetimeMs = 1
        }, 3
      ),
      (
        .with {
          $0.id = 1; $0.watch.intervalMs = 1
        }, 3
      ),
      (
        .with {
          $0.id = 1; $0.picked.address = "what?"
        }, 12
      ),
      (.with { $0.id = 1 }, 12),
    ] as [(Tonari_Selector_V1_Envelope, UInt32)])
  func refusals(request: Tonari_Selector_V1_Envelope, code: UInt32) throws {
    var bench = FrameBench()
    let answers = try bench.answers(request)
    #expect(answers.count == 1)
    #expect(answers.first?.id == 1)
    #expect(answers.first?.error.code == code)
    #expect(answers.first?.error.message.isEmpty == false)
  }

  @Test("A retry beyond the budget is refused")
  func retries() throws {
    var bench = FrameBench(
      FrameBench.dispatcher(replicas: 3, DispatcherOptions(retryShare: 0, retriesPerSecond: 0)))
    // Ten are saved up at first.
    for _ in 0..<10 { #expect(try bench.answers(Frames.pick(1) { $0.retry = true }).first?.error.code == 0) }
    #expect(try bench.answers(Frames.pick(1) { $0.retry = true }).first?.error.code == 8)
  }

  @Test("What has no id gets no answer, and a pick without one is not made")
  func withoutID() throws {
    var bench = FrameBench()
    let pick = try #require(try bench.answers(Frames.pick(1)).first).picked.pickID
    let reply = try bench.answers(
      Frames.complete(0, pick), Frames.pick(0), Frames.pick(0) { $0.labels = ["version=0"] }, Frames.pick(0, "no/such"),
      .with { $0.report.service = "no/such" })
    #expect(reply.isEmpty)
    #expect(bench.dispatcher.status(at: bench.now)[0].openPicks == 0)
  }

  @Test("A connection has a bounded number of open picks")
  func openPicks() throws {
    var bench = FrameBench(FrameBench.dispatcher(), FramedOptions(mostOpenPicks: 2))
    let first = try bench.answers(Frames.pick(1), Frames.pick(2), Frames.pick(3))
    #expect(first[2].error.code == 8)
    _ = try bench.answers(Frames.complete(0, first[0].picked.pickID))
    #expect(try bench.answers(Frames.pick(4)).first?.picked.address.isEmpty == false)
  }

  @Test("Picks that expired do not count against the bound for ever")
  func expiredPicks() throws {
    var bench = FrameBench(FrameBench.dispatcher(), FramedOptions(mostOpenPicks: 2))
    #expect(try bench.answers(Frames.pick(1), Frames.pick(2), Frames.pick(3)).last?.error.code == 8)
    for _ in 0..<2 {
      bench.now = Moment(nanoseconds: bench.now.nanoseconds + 61_000_000_000)
      bench.dispatcher.expire(at: bench.now)
      _ = bench.send([])
    }
    #expect(try bench.answers(Frames.pick(4)).first?.error.code == 0)
    #expect(bench.session.openPicks == 1)
  }

  @Test("Picks that are renewed count against the bound for as long as they are open")
  func renewedPicks() throws {
    var bench = FrameBench(FrameBench.dispatcher(), FramedOptions(mostOpenPicks: 2))
    let open = try bench.answers(Frames.pick(1), Frames.pick(2)).map(\.picked.pickID)
    for _ in 0..<6 {
      bench.now = Moment(nanoseconds: bench.now.nanoseconds + 50_000_000_000)
      // By the way that is quick, and by the one that reads whatever there is.
      _ = try bench.answers(
        Frames.complete(0, open[0]) { $0.outcome = .underWay },
        Frames.complete(0, open[1]) {
          $0.outcome = .underWay
          $0.load.queued = 1
        })
      bench.dispatcher.expire(at: bench.now)
      #expect(bench.dispatcher.status(at: bench.now)[0].openPicks == 2)
      #expect(try bench.answers(Frames.pick(3)).first?.error.code == 8)
    }
    for id in open { _ = try bench.answers(Frames.complete(0, id)) }
    #expect(bench.session.openPicks == 0)
    #expect(try bench.answers(Frames.pick(4)).first?.picked.address.isEmpty == false)
  }

  @Test("Services that come and go are seen at once")
  func directory() throws {
    var bench = FrameBench()
    #expect(try bench.answers(Frames.pick(1, "new")).first?.error.code == 5)
    bench.dispatcher.set([ServiceReplica(address: "a:1")], of: "new", from: .file, at: bench.now)
    #expect(try bench.answers(Frames.pick(1, "new")).first?.picked.address == "a:1")
    bench.dispatcher.set([], of: "new", from: .file, at: bench.now)
    #expect(try bench.answers(Frames.pick(1, "new")).first?.error.code == 5)
    #expect(try bench.answers(Frames.pick(1)).first?.picked.address.isEmpty == false)
  }

  @Test("Many services are found by their names")
  func manyServices() throws {
    var bench = FrameBench()
    for number in 0..<300 {
      bench.dispatcher.set(
        [ServiceReplica(address: "a:\(number + 1)")], of: "service-\(number)", from: .file, at: bench.now)
    }
    for number in (0..<300).reversed() {
      #expect(try bench.answers(Frames.pick(1, "service-\(number)")).first?.picked.address == "a:\(number + 1)")
    }
  }

  @Test("Bytes are answered alike however they are cut")
  func cutting() throws {
    let requests = try (1...40).flatMap { id -> [UInt8] in
      try Frames.bytes(id % 3 == 0 ? Frames.pick(UInt64(id), "no/such") : Frames.pick(UInt64(id), node: "node-1"))
    }
    var whole = FrameBench()
    #expect(whole.send(requests).consumed == requests.count)
    let expected = try whole.answers().map(\.id)
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<50 {
      var bench = FrameBench()
      var rest = requests[...]
      var arrived = 0
      while !rest.isEmpty {
        arrived = min(rest.count, arrived + Int.random(in: 1...60, using: &generator))
        let consumed = bench.send(Array(rest.prefix(arrived))).consumed
        rest = rest.dropFirst(consumed)
        arrived -= consumed
      }
      #expect(try bench.answers().map(\.id) == expected)
    }
  }

  @Test(
    "What is not the protocol is a fault, after the frames before it are answered",
    arguments: [
      ([1, 0, 0, 0, 0], .flag(1)),
      ([0, 0, 1, 0, 1], .length(65537)),
      ([0, 0xFF, 0xFF, 0xFF, 0xFF], .length(0xFFFF_FFFF)),
      (Frames.framed([0x12, 0x7F]), .malformed),
      (Frames.framed([0x12, 0x03, 0x0A, 0x01, 0xFF]), .malformed),
      (Frames.framed([0x12, 0x05, 0x0A, 0x03, 0x61, 0x00, 0x62]), .unusual),
    ] as [([UInt8], FrameFault)])
  func faults(bytes: [UInt8], fault: FrameFault) throws {
    var bench = FrameBench()
    let good = try Frames.bytes(Frames.pick(1))
    let progress = bench.send(good + bytes)
    #expect(progress.fault == fault)
    #expect(progress.consumed == good.count)
    #expect(try bench.answers().count == 1)
  }

  @Test("A place that is no message is a fault though the rest is in order")
  func malformedPlace() throws {
    var bench = FrameBench()
    _ = try bench.answers(Frames.pick(1))
    // from.node is no UTF-8.
    let pick: [UInt8] = [0x0A, 0x10] + Array("default/checkout".utf8) + [0x12, 0x03, 0x0A, 0x01, 0xFF]
    #expect(bench.send(Frames.framed([0x08, 0x01, 0x12, UInt8(pick.count)] + pick)).fault == .malformed)
  }

  @Test(
    "Picks and completions allocate nothing, whether they stay or overflow",
    arguments: [nil, 1e9, 60] as [Double?])
  func allocations(_ capacity: Double?) throws {
    let dispatcher = FrameBench.dispatcher(replicas: 100)
    if let capacity {
      let neighbours = ["b", "c"].map {
        ServiceOverflow.Neighbour(name: $0, capacity: .perMinute(1e9), gateway: "\($0):443")
      }
      let policy = ServiceOverflow(cluster: "cluster", capacity: .perMinute(capacity), neighbours: neighbours)
      dispatcher.set(["default/checkout": policy], at: .start)
    }
    var bench = FrameBench(dispatcher)
    let place = try Frames.bytes(Frames.pick(1, node: "node-7"))
    let batch = (0..<20).flatMap { _ in place }
    /// Answers a batch and completes its picks.
    func round(_ bench: inout FrameBench, _ completions: inout [UInt8]) {
      _ = bench.send(batch)
      completions.removeAll(keepingCapacity: true)
      var rest = bench.output.bytes[...]
      while let length = Frames.length(rest) {
        // The pick's id stands after the envelope's id, two tags and a length.
        completions += [0, 0, 0, 0, 13, 0x08, 0x00, 0x22, 0x09, 0x09] + rest.dropFirst(10).prefix(8)
        rest = rest.dropFirst(length)
      }
      bench.output.removeAll()
      _ = bench.send(completions)
    }
    var completions: [UInt8] = []
    for _ in 0..<50 { round(&bench, &completions) }
    #expect(bench.session.openPicks == 0)
    #expect(completions.count == 20 * 18)
    let sent = dispatcher.overflows(at: bench.now).values.reduce(0) { $0 + $1.neighbours.reduce(0) { $0 + $1.sent } }
    #expect(capacity == 60 ? sent >= 999 : sent == 0)
    let before = tonari_allocations()
    for _ in 0..<1000 {
      _ = bench.send(batch)
      bench.output.removeAll()
      _ = bench.send(completions)
    }
    // Those that are not completed are kept in memory that grows now and then.
    #expect(tonari_allocations() - before < 30)
  }
}
