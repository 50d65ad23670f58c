import CTonariClient
import Foundation
import Model
import NIOCore
import Overflow
import Selection
import SelectorProtocol
import SelectorProtocolTestSupport
import SwiftProtobuf

@testable import SelectorServer
@testable import TonariClient

extension Fuzzer {
  private static let protobufWords = [
    "shop/cart", "10.0.0.1:80", "version=1", "node-1", "\u{0}\u{0}\u{0}\u{0}", "\u{12}\u{0}", "\u{8}\u{1}",
  ]

  /// Random envelopes of all kinds, some of them for the service that is there.
  static func envelopes(_ count: Int, seed: UInt64) -> [Tonari_Selector_V1_Envelope] {
    var random = RandomEnvelope(SeededGenerator(seed: seed))
    return (0..<count).map { index in
      var envelope = random.next()
      if index.isMultiple(of: 2) {
        switch envelope.message {
        case .pick: envelope.pick.service = "shop/cart"
        case .report: envelope.report.service = "shop/cart"
        case .register: envelope.register.service = "shop/cart"
        case .deregister: envelope.deregister.service = "shop/cart"
        default: break
        }
      }
      return envelope
    }
  }

  private static func serialized(_ messages: [some SwiftProtobuf.Message]) -> [[UInt8]] {
    messages.compactMap { try? $0.serializedBytes() }
  }

  /// A message in the frame that it travels in.
  private static func framed(_ message: [UInt8]) -> [UInt8] {
    [0, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
  }

  private static func framed(_ count: Int, seed: UInt64, chunk: UInt8) -> [[UInt8]] {
    serialized(envelopes(count, seed: seed)).map { [chunk] + framed($0) }
  }

  static func dispatcher(_ options: DispatcherOptions = DispatcherOptions()) -> Dispatcher {
    let dispatcher = Dispatcher(options)
    let replicas = (0..<3).map {
      ServiceReplica(
        address: "10.0.0.\($0):80", node: "node-\($0)", zone: "zone", cluster: "cluster", labels: ["version=\($0)"])
    }
    dispatcher.set(replicas, of: "shop/cart", from: .file, at: .start)
    return dispatcher
  }

  /// A message of a framed connection: protobuf-c, swift-protobuf and the reader in one pass agree.
  static let envelope = Fuzzer(
    "envelope", words: protobufWords, longest: 4096, seeds: serialized(envelopes(60, seed: 1))
  ) { bytes in
    try Codec(capacity: 256 << 10).check(bytes.bindMemory(to: UInt8.self))
  }

  /// Frames on a connection: a size of chunks, and its bytes. What is answered are whole frames, and the connection takes
  /// no more than there is.
  static let frames = Fuzzer(
    "frames", words: protobufWords + ["\u{0}\u{0}\u{0}\u{0}\u{5}"], longest: 8192,
    seeds: framed(30, seed: 3, chunk: 255) + [[40] + serialized(envelopes(20, seed: 2)).flatMap(framed)]
  ) { bytes in
    var input = InputReader(bytes)
    let chunk = max(1, Int(input.byte()))
    let dispatcher = dispatcher()
    var processor = FrameProcessor(dispatcher, FramedOptions(longestMessage: 4096))
    var session = FrameSession(Caller(.local, owner: dispatcher.newOwner(), policy: .open))
    var now = Moment.seconds(1)
    var waiting: [UInt8] = []
    for start in stride(from: 0, to: input.rest.count, by: chunk) {
      waiting += input.rest[start..<min(input.rest.count, start + chunk)]
      var output = OutputBuffer(capacity: 64)
      let progress = waiting.withUnsafeBytes { processor.process($0, of: &session, into: &output, at: now) }
      try expect(
        (0...waiting.count).contains(progress.consumed), "\(progress.consumed) of \(waiting.count) bytes taken")
      waiting.removeFirst(progress.consumed)
      var answers = ByteBuffer(bytes: output.bytes)
      let decoder = FrameDecoder(longest: 1 << 24)
      while try decoder.next(&answers) != nil {}
      try expect(answers.readableBytes == 0, "an answer is cut off")
      if progress.fault != nil { break }
      now = Moment(nanoseconds: now.nanoseconds + 50_000_000)
    }
    try exercise(dispatcher, at: now)
  }

  /// What a gRPC client sends: pieces, each an envelope of a request, answered by the slower way; and what a watch tells.
  static let messages = Fuzzer(
    "messages", words: protobufWords, longest: 8192,
    seeds: (0..<12).map { InputReader.pieces(serialized(envelopes(8, seed: 10 + UInt64($0)))) }
  ) { bytes in
    var input = InputReader(bytes)
    let dispatcher = dispatcher()
    let messages = SelectorMessages(dispatcher)
    let answer = PickAnswer()
    var now = Moment.seconds(1)
    while let piece = input.piece() {
      guard let envelope = try? Tonari_Selector_V1_Envelope(serializedBytes: piece) else { continue }
      if case .watch(let wanted) = envelope.message, var watch = try? ServiceWatch(wanted, dispatcher) {
        for change in watch.changes(at: now) { _ = try change.serializedBytes() as [UInt8] }
      }
      let caller = Caller(.local, owner: 1, policy: .open)
      _ = try messages.answer(envelope, by: caller, at: now, using: answer)?.serializedBytes() as [UInt8]?
      now = Moment(nanoseconds: now.nanoseconds + 10_000_000)
    }
    try exercise(dispatcher, at: now)
    _ = try dispatcher.digest(of: "self", at: now).serializedBytes() as [UInt8]
  }

  /// What another selector says: pieces, each a digest.
  static let digest = Fuzzer(
    "digest", words: protobufWords, longest: 8192,
    seeds: [
      InputReader.pieces(
        serialized([
          Tonari_Selector_V1_Digest.with {
            $0.selector = "b"
            $0.services = [
              .with {
                $0.service = "shop/cart"
                $0.arrivals = .with {
                  $0.perMinute = 60
                  $0.receivedPerMinute = 6
                }
                $0.replicas = [
                  .with {
                    $0.address = "10.0.0.1:80"
                    $0.inFlight = 3
                    $0.serviceTimeUs = 1500
                    $0.concurrency = 2
                    $0.completions = 100
                  },
                  .with {
                    $0.address = "10.0.0.9:80"
                    $0.registered.address = "10.0.0.9:80"
                    $0.registered.weight = 2
                    $0.lifetimeMs = 5000
                  },
                ]
              }
            ]
          }
        ]))
    ]
  ) { bytes in
    var input = InputReader(bytes)
    let dispatcher = dispatcher()
    var now = Moment.seconds(1)
    while let piece = input.piece() {
      guard let digest = try? Tonari_Selector_V1_Digest(serializedBytes: piece) else { continue }
      dispatcher.hear(digest, at: now)
      now = Moment(nanoseconds: now.nanoseconds + 100_000_000)
    }
    try exercise(dispatcher, at: now)
  }

  /// An answer, as the client in C reads it.
  static let clientAnswer = Fuzzer(
    "client-answer", words: protobufWords, longest: 2048, seeds: serialized(envelopes(60, seed: 4))
  ) { bytes in
    var answer = tonari_answer()
    guard tonari_decode_answer(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &answer) == 0 else {
      return
    }
    func isText<Characters>(_ characters: Characters) -> Bool { withUnsafeBytes(of: characters) { $0.contains(0) } }
    try expect(isText(answer.message), "the message has no end")
    guard answer.is_pick != 0 else { return }
    try expect(isText(answer.picked.address), "the address has no end")
    try expect(answer.picked.address.0 != 0 && answer.picked.pick_id != 0, "a pick of nothing")
    try expect((0...3).contains(answer.picked.alternative_count), "\(answer.picked.alternative_count) alternatives")
    // What this client reads, a decoder that knows all of protobuf reads the same way, where it takes it.
    guard let envelope = try? Tonari_Selector_V1_Envelope(serializedBytes: Array(bytes)) else { return }
    guard case .picked(let picked) = envelope.message else { return }
    try expect(picked.pickID == answer.picked.pick_id || picked.pickID == 0, "another pick: \(picked)")
  }

  /// What a selector answers, as the client in Swift reads it: a size of chunks, and bytes. The outcome does not depend on
  /// the chunks.
  static let clientFrames = Fuzzer(
    "client-frames", words: protobufWords + ["\u{0}\u{0}\u{0}\u{0}\u{5}"], longest: 4096,
    seeds: framed(40, seed: 5, chunk: 7)
  ) { bytes in
    var input = InputReader(bytes)
    let chunk = max(1, Int(input.byte()))
    let whole = try read(input.rest, chunk: max(1, input.rest.count))
    let chunked = try read(input.rest, chunk: chunk)
    try expect(whole == chunked, "the outcome depends on the chunks: \(whole), \(chunked)")
  }

  private static func read(_ bytes: UnsafeRawBufferPointer, chunk: Int) throws -> [[UInt8]] {
    let decoder = FrameDecoder(longest: 2048)
    var buffer = ByteBuffer()
    var messages: [[UInt8]] = []
    do {
      for start in stride(from: 0, to: bytes.count, by: chunk) {
        buffer.writeBytes(bytes[start..<min(bytes.count, start + chunk)])
        while let envelope = try decoder.next(&buffer) { messages.append(try envelope.serializedBytes()) }
      }
    } catch {
      messages.append(Array("fault".utf8))
    }
    return messages
  }
}
