import Foundation
import Model
import Selection
import SelectorProtocol
import SwiftProtobuf

@testable import SelectorServer

/// A processor with one session, without a socket.
struct FrameBench: ~Copyable {
  let dispatcher: Dispatcher
  var processor: FrameProcessor
  var session: FrameSession
  var output = OutputBuffer(capacity: 1 << 12)
  var now = Moment.seconds(1)

  init(
    _ dispatcher: Dispatcher = FrameBench.dispatcher(), _ options: FramedOptions = FramedOptions(access: .open),
    caller: Caller? = nil
  ) {
    self.dispatcher = dispatcher
    processor = FrameProcessor(dispatcher, options)
    session = FrameSession(
      caller ?? Caller(.local, owner: dispatcher.newOwner(), policy: options.access))
  }

  /// A dispatcher whose service `default/checkout` has replicas on `node-0`, `node-1`, …
  static func dispatcher(replicas: Int = 3, _ options: DispatcherOptions = DispatcherOptions()) -> Dispatcher {
    let dispatcher = Dispatcher(options)
    let all = (0..<replicas).map {
      ServiceReplica(
        address: "10.0.0.\($0):8080", node: "node-\($0)", zone: "zone", cluster: "cluster",
        labels: ["version=\($0)"])
    }
    dispatcher.set(all, of: "default/checkout", from: .file, at: .start)
    return dispatcher
  }

  /// Answers bytes; says how far it came.
  mutating func send(_ bytes: [UInt8]) -> FrameProcessor.Progress {
    bytes.withUnsafeBytes { processor.process($0, of: &session, into: &output, at: now) }
  }

  /// Takes what was answered.
  mutating func answers() throws -> [Tonari_Selector_V1_Envelope] {
    defer { output.removeAll() }
    return try Frames.envelopes(Array(output.bytes))
  }

  /// The answers to requests.
  mutating func answers(_ requests: Tonari_Selector_V1_Envelope...) throws -> [Tonari_Selector_V1_Envelope] {
    let bytes = try requests.flatMap { try Frames.bytes($0) }
    let progress = send(bytes)
    guard progress.fault == nil, progress.consumed == bytes.count else {
      throw Frames.Broken(what: "\(progress)")
    }
    return try answers()
  }
}

/// Frames as swift-protobuf makes them.
enum Frames {
  struct Broken: Error {
    var what: String
  }

  static func bytes(_ envelope: Tonari_Selector_V1_Envelope) throws -> [UInt8] {
    try framed(envelope.serializedBytes())
  }

  static func framed(_ message: [UInt8]) -> [UInt8] {
    let length = UInt32(message.count)
    return [0, UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)]
      + message
  }

  /// How long the frame at the front is; nil where it is not whole.
  static func length(_ bytes: some RandomAccessCollection<UInt8>) -> Int? {
    guard bytes.count >= 5 else { return nil }
    let length = bytes.dropFirst().prefix(4).reduce(0) { $0 << 8 | Int($1) } + 5
    return bytes.count >= length ? length : nil
  }

  static func envelopes(_ bytes: [UInt8]) throws -> [Tonari_Selector_V1_Envelope] {
    var rest = bytes[...]
    var envelopes: [Tonari_Selector_V1_Envelope] = []
    while !rest.isEmpty {
      guard rest.first == 0, let length = length(rest) else { throw Broken(what: "cut off: \(rest)") }
      envelopes.append(try Tonari_Selector_V1_Envelope(serializedBytes: Array(rest.dropFirst(5).prefix(length - 5))))
      rest = rest.dropFirst(length)
    }
    return envelopes
  }

  static func pick(
    _ id: UInt64, _ service: String = "default/checkout", node: String? = nil,
    _ more: (inout Tonari_Selector_V1_PickRequest) -> Void = { _ in }
  ) -> Tonari_Selector_V1_Envelope {
    .with {
      $0.id = id
      $0.pick.service = service
      if let node {
        $0.pick.from = .with {
          $0.node = node
          $0.zone = "zone"
          $0.cluster = "cluster"
        }
      }
      more(&$0.pick)
    }
  }

  static func complete(
    _ id: UInt64, _ pick: UInt64, _ more: (inout Tonari_Selector_V1_CompleteRequest) -> Void = { _ in }
  ) -> Tonari_Selector_V1_Envelope {
    .with {
      $0.id = id
      $0.complete.pickID = pick
      more(&$0.complete)
    }
  }
}
