package import CProtobufC
import Foundation
package import SelectorProtocol
import SwiftProtobuf

/// Reads messages of framed connections in all the ways there are: by protobuf-c into an arena, by swift-protobuf, and in
/// the one pass that usual requests are read in.
package final class Codec {
  /// What two ways do not agree on.
  package struct Disagreement: Error, CustomStringConvertible {
    /// The message's bytes, and what each way made of them.
    package var description: String
  }

  private var arena: TonariArena
  /// What protobuf-c made of the last message.
  package private(set) var verdict = TONARI_FINE

  /// Makes a codec with an arena of so many bytes.
  package init(capacity: Int = 1 << 20) {
    arena = TonariArena(block: .allocate(capacity: max(1, capacity)), capacity: capacity, used: 0)
  }

  deinit {
    arena.block.deallocate()
  }

  /// How much of the arena the last message took.
  package var used: Int { arena.used }

  /// Decodes a message by protobuf-c; nil where it refuses it, see ``verdict``.
  package func decode(_ bytes: UnsafeBufferPointer<UInt8>) -> Tonari_Selector_V1_Envelope? {
    tonari_arena_reset(&arena)
    return tonari_decode(&arena, bytes.baseAddress, bytes.count, &verdict).map {
      Tonari_Selector_V1_Envelope($0.pointee)
    }
  }

  /// Decodes a message by protobuf-c; nil where it refuses it, see ``verdict``.
  package func decode(_ bytes: [UInt8]) -> Tonari_Selector_V1_Envelope? { bytes.withUnsafeBufferPointer(decode) }

  /// Reads a message in all ways. Throws a ``Disagreement`` where they do not agree.
  ///
  /// - Returns: what protobuf-c made of it, and whether it is a request that is read in one pass.
  @discardableResult
  package func check(_ bytes: UnsafeBufferPointer<UInt8>) throws -> (verdict: TonariVerdict, isUsual: Bool) {
    let mine = decode(bytes)
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    let theirs = try? Tonari_Selector_V1_Envelope(serializedBytes: Array(bytes), options: options)
    if let mine {
      let (a, b): ([UInt8], [UInt8]?) = try (mine.serializedBytes(), theirs?.serializedBytes())
      // Bytes are the same where a value is not equal to itself.
      guard a == b else { throw disagreement(bytes, mine, theirs) }
    } else if verdict == TONARI_MALFORMED, let theirs {
      throw disagreement(bytes, mine, theirs)
    }
    var request = TonariRequest()
    let usual: Tonari_Selector_V1_Envelope
    switch tonari_request(bytes.baseAddress, bytes.count, &request) {
    case TONARI_PICK:
      usual = .with {
        $0.id = request.id
        $0.pick = Self.pick(request)
      }
      // Whether strings are UTF-8 and the place is a message is found out by the whole decoder, which what is not known
      // comes to.
      if mine == nil { return (verdict, true) }
    case TONARI_COMPLETE:
      usual = .with {
        $0.id = request.id
        $0.complete = .with {
          $0.pickID = request.pick_id
          $0.outcome =
            Tonari_Selector_V1_Outcome(rawValue: Int(Int32(truncatingIfNeeded: request.outcome))) ?? .success
          $0.latencyUs = request.latency_us
          $0.pickKey = Data(UnsafeBufferPointer(start: request.pick_key.start, count: request.pick_key.length))
        }
      }
    default: return (verdict, false)
    }
    guard let mine, mine == usual else { throw disagreement(bytes, mine, usual) }
    return (verdict, true)
  }

  /// Reads a message in all ways. Throws a ``Disagreement`` where they do not agree.
  @discardableResult
  package func check(_ bytes: [UInt8]) throws -> (verdict: TonariVerdict, isUsual: Bool) {
    try bytes.withUnsafeBufferPointer(check)
  }

  private func disagreement(
    _ bytes: UnsafeBufferPointer<UInt8>, _ mine: Tonari_Selector_V1_Envelope?, _ other: Tonari_Selector_V1_Envelope?
  ) -> Disagreement {
    Disagreement(
      description:
        "\(Array(bytes)), verdict \(verdict), is \(String(describing: mine)) and \(String(describing: other))")
  }

  private static func pick(_ request: TonariRequest) -> Tonari_Selector_V1_PickRequest {
    .with {
      $0.service = String(
        decoding: UnsafeBufferPointer(start: request.service.start, count: request.service.length), as: UTF8.self)
      if request.from.start != nil {
        let bytes = Data(UnsafeBufferPointer(start: request.from.start, count: request.from.length))
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        if let place = try? Tonari_Selector_V1_Locality(serializedBytes: bytes, options: options) { $0.from = place }
      }
      $0.key = Data(UnsafeBufferPointer(start: request.key.start, count: request.key.length))
      $0.retry = request.is_retry
      $0.alternatives = request.alternatives
      $0.hops = request.hops
    }
  }
}
