import Model
import NIOCore
import NIOEmbedded
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("A connection of the picker")
struct PickerConnectionTests {
  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private static func frame(_ type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
    let length = withUnsafeBytes(of: UInt32(payload.count).bigEndian) { Array($0.dropFirst()) }
    return length + [type, flags] + withUnsafeBytes(of: stream.bigEndian) { Array($0) } + payload
  }

  /// The head of a call of `Process` for `shop/cart`, with fields that are not compressed.
  private static func head(_ stream: UInt32) -> [UInt8] {
    let fields = [
      (":method", "POST"), (":scheme", "http"), (":authority", "picker"),
      (":path", "/envoy.service.ext_proc.v3.ExternalProcessor/Process"),
      ("content-type", "application/grpc"), ("x-tonari-service", "shop/cart"),
    ]
    let block = fields.flatMap { name, value in
      [0, UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.utf8.count)] + value.utf8
    }
    return frame(1, flags: 4, stream: stream, block)
  }

  private static func data(_ stream: UInt32, _ message: ProcessingRequest, ends: Bool = false) throws -> [UInt8] {
    let bytes: [UInt8] = try message.serializedBytes()
    let count = withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) }
    return frame(0, flags: ends ? 1 : 0, stream: stream, [0] + count + bytes)
  }

  private static func channel(_ exchange: PickerAnswers) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel(handler: PickerConnection(exchange))
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).wait()
    return channel
  }

  private static func answers(access: AccessPolicy = .open) -> PickerAnswers {
    PickerAnswers(dispatcher: Exchanges.dispatcher(), access: access, usualService: nil, health: []) { .seconds(0) }
  }

  @Test("A pod's own socket picks as that pod: by its rights, with its key, from its node")
  func pod() throws {
    let identity = Identity.Pod(namespace: "shop", name: "front-1", uid: "1", serviceAccount: "front")
    let bytes =
      try Self.preface + Self.frame(4, flags: 0, stream: 0, []) + Self.head(1)
      + Self.data(1, Exchanges.request())
    func total(_ rule: String, _ pod: NodePod?) throws -> UInt64 {
      var answers = Self.answers(access: AccessPolicy(rules: [try AccessRule(rule)]))
      answers.pod = pod
      let channel = try Self.channel(answers)
      try channel.writeInbound(ByteBuffer(bytes: bytes))
      defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
      return answers.dispatcher.cart.counts.total
    }
    #expect(try total("pick=pod:shop/*", NodePod(identity)) == 1)
    #expect(try total("pick=pod:shop/*", nil) == 0)
    #expect(try total("pick=local", NodePod(identity)) == 0)

    let dispatcher = Exchanges.dispatcher()
    let caller = Caller(
      NodePod(identity) { .init(node: "n1", zone: "z1") }, owner: 0, policy: AccessPolicy())
    let hints = PickerHints(
      [("x-tonari-service", "shop/cart"), ("x-tonari-node", "n9"), ("x-tonari-zone", "z9")], of: caller)
    #expect(hints.from == Place(node: "n1", zone: "z1"))
    var exchange = PickExchange(dispatcher, hints, key: caller.key)
    let decision = PickAnswer()
    _ = try exchange.answer(Exchanges.request(), at: .seconds(1), using: decision)
    let service = try #require(dispatcher.service("shop/cart"))
    #expect(!service.complete(decision.id, .cancelled, at: .seconds(1)))
    #expect(dispatcher.inFlight == 1)
    exchange.end(at: .seconds(1))
    #expect(dispatcher.inFlight == 0)
  }

  @Test("Bytes may come one by one; the answers are the same")
  func pieces() throws {
    let whole =
      try Self.preface + Self.frame(4, flags: 0, stream: 0, []) + Self.head(1) + Self.data(1, Exchanges.request())
      + Self.head(3) + Self.data(3, Exchanges.request()) + Self.data(1, Exchanges.response(), ends: true)
    var outputs: [[UInt32: [UInt8]]] = []
    for size in [whole.count, 1, 7] {
      let answers = Self.answers()
      let channel = try Self.channel(answers)
      for start in stride(from: 0, to: whole.count, by: size) {
        try channel.writeInbound(ByteBuffer(bytes: whole[start..<min(whole.count, start + size)]))
      }
      #expect(answers.dispatcher.cart.counts.total == 2 && answers.dispatcher.inFlight == 1)
      var output: [UInt8] = []
      while let bytes = try channel.readOutbound(as: ByteBuffer.self) { output += bytes.readableBytesView }
      outputs.append(Self.payloads(output))
      _ = try channel.finish(acceptAlreadyClosed: true)
      #expect(answers.dispatcher.inFlight == 0, "the connection is gone")
    }
    #expect(outputs[0][1, default: []].count > 100 && outputs[0][3, default: []].count > 100)
    #expect(Set(outputs).count == 1)
  }

  /// What DATA frames hold, by stream.
  private static func payloads(_ bytes: [UInt8]) -> [UInt32: [UInt8]] {
    var payloads: [UInt32: [UInt8]] = [:]
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let length = head[0..<3].reduce(0) { $0 << 8 | Int($1) }
      let stream = head[5..<9].reduce(0) { $0 << 8 | UInt32($1) }
      if head[3] == 0 { payloads[stream, default: []] += rest.dropFirst(9).prefix(length) }
      rest = rest.dropFirst(9 + length)
    }
    return payloads
  }

  @Test("Thousands of streams that are reset are no attack")
  func resets() throws {
    let answers = Self.answers()
    let channel = try Self.channel(answers)
    try channel.writeInbound(ByteBuffer(bytes: Self.preface + Self.frame(4, flags: 0, stream: 0, [])))
    for number in 0..<5_000 as Range<UInt32> {
      let id = 2 * number + 1
      let reset = Self.frame(3, flags: 0, stream: id, [0, 0, 0, 8])
      try channel.writeInbound(ByteBuffer(bytes: Self.head(id) + Self.data(id, Exchanges.request()) + reset))
    }
    #expect(channel.isActive)
    #expect(answers.dispatcher.cart.counts.cancelled == 5_000 && answers.dispatcher.inFlight == 0)
    _ = try channel.finish(acceptAlreadyClosed: true)
  }

  @Test("Whatever bytes come, nothing crashes and nothing stays in flight")
  func fuzz() throws {
    var generator = SeededGenerator(seed: 9)
    let pieces = try [
      Self.frame(4, flags: 0, stream: 0, []), Self.head(1), Self.data(1, Exchanges.request()), Self.head(3),
      Self.data(3, Exchanges.request()), Self.data(1, Exchanges.response(), ends: true),
      Self.frame(3, flags: 0, stream: 1, [0, 0, 0, 8]), Self.frame(8, flags: 0, stream: 0, [0, 0, 1, 0]),
      Self.frame(6, flags: 0, stream: 0, Array(repeating: 7, count: 8)), Self.frame(9, flags: 4, stream: 1, [0]),
    ]
    var picks: UInt64 = 0
    for _ in 0..<3_000 {
      let answers = Self.answers()
      let channel = try Self.channel(answers)
      var bytes = Self.preface
      // In order, with some that are missing and some that come twice.
      for piece in pieces where generator.below(10) > 0 {
        bytes += piece
        if generator.below(10) == 0 { bytes += piece }
      }
      for _ in 0..<generator.below(4) {
        bytes[generator.below(bytes.count)] = UInt8(truncatingIfNeeded: generator.next())
      }
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + 1 + generator.below(200))
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes[start..<end]))
        start = end
      }
      picks += answers.dispatcher.cart.counts.total
      _ = try? channel.finish(acceptAlreadyClosed: true)
      #expect(answers.dispatcher.inFlight == 0 && answers.dispatcher.cart.openPicks == 0)
    }
    #expect(picks > 500)
  }
}
