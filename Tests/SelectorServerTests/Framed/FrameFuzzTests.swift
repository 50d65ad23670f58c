import Model
import Selection
import SelectorProtocol
import SelectorProtocolTestSupport
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("Frames of any bytes")
struct FrameFuzzTests {
  @Test("Any bytes are answered with frames or are a fault, and take no memory")
  func fuzz() throws {
    let rounds = FuzzRounds.count
    var bench = FrameBench()
    var random = RandomEnvelope(SeededGenerator(seed: 7))
    var (faults, answered, memory) = (0, 0, 0)
    var last: [UInt8] = []
    for round in 0..<rounds {
      var envelope = random.next()
      // Some picks and completions that hit.
      if random.below(4) == 0 { envelope.pick.service = "default/checkout" }
      if case .complete = envelope.message { envelope.complete.pickID = 1 << 44 | UInt64(random.below(1 << 20)) }
      let message: [UInt8] = try envelope.serializedBytes()
      var bytes = Frames.framed(message)
      switch random.below(4) {
      case 0: break
      case 1: bytes = random.mutated(bytes, with: last)
      default: bytes = Frames.framed(random.mutated(message, with: last))
      }
      last = message
      let progress = bench.send(bytes)
      if progress.fault != nil { faults += 1 }
      if bench.output.count > 0 { answered += 1 }
      if round % 100 == 0 {
        _ = try bench.answers()
      } else {
        bench.output.removeAll()
      }
      if round % 10_000 == 0 {
        // What was registered, picked and watched goes.
        bench.now = Moment(nanoseconds: bench.now.nanoseconds + 100_000_000_000_000)
        bench.dispatcher.expire(at: bench.now)
        bench.session = FrameSession(Caller.open.numbered(bench.dispatcher.newOwner()))
        if round >= rounds / 10, memory == 0 { memory = residentMemory() }
      }
    }
    #expect(faults > rounds / 10)
    #expect(answered > rounds / 10)
    #expect(residentMemory() < memory + 32 << 20)
    #expect(try bench.answers(Frames.pick(1)).first?.picked.address.isEmpty == false)
  }
}
