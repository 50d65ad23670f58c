import Foundation
package import SwiftProtobuf

/// Messages of protocol buffers with a hostile number in the place of each number.
///
/// Which numbers a message has is found out from its type, so that a field that is new is walked too, and a sample that
/// lacks it is told of.
package enum WireNumbers {
  /// A message with a number in it replaced.
  package struct Variant<M: Message & Sendable>: Sendable {
    /// The numbers of the fields down to it.
    package let path: String
    /// The message.
    package let message: M
    /// The same as it is sent.
    package let bytes: [UInt8]
  }

  /// A sample with each number in it replaced, one after the other.
  ///
  /// - Returns: the variants, and the paths of numbers that the type has and the sample has not.
  package static func variants<M: Message & Sendable>(
    of samples: [M]
  ) throws -> (variants: [Variant<M>], missing: [String]) {
    var variants: [Variant<M>] = []
    var seen: Set<String> = []
    for sample in samples {
      for (path, bytes) in walk(try sample.serializedBytes() as [UInt8], M.self) {
        seen.insert(path)
        variants.append(Variant(path: path, message: try M(serializedBytes: bytes), bytes: bytes))
      }
    }
    return (variants, numbers(of: M.self, seen: []).filter { !seen.contains($0) })
  }

  // MARK: What a type has

  indirect enum Kind {
    case number
    case message(any Message.Type)
    /// Entries, with messages of a type as values where that is one.
    case map((any Message.Type)?)
    case other
  }

  private static let mostFields: UInt64 = 128

  private static func fields(of type: any Message.Type) -> [UInt64: Kind] {
    var finder = Finder()
    for field in 1...mostFields {
      for (wireType, payload) in [
        (UInt64(0), [UInt8(1)]), (1, [0, 0, 0, 0, 0, 0, 0xF0, 0x3F]), (5, [0, 0, 0x80, 0x3F]), (2, [0]),
      ] {
        guard let message = try? type.init(serializedBytes: varint(field << 3 | wireType) + payload),
          message.unknownFields.data.isEmpty
        else { continue }
        try? message.traverse(visitor: &finder)
      }
    }
    return finder.found
  }

  private static func numbers(of type: any Message.Type, seen: [String]) -> [String] {
    // A message that holds itself is walked once.
    let name = String(reflecting: type)
    guard !seen.contains(name) else { return [] }
    return fields(of: type).sorted { $0.key < $1.key }.flatMap { field, kind -> [String] in
      switch kind {
      case .number: return ["\(field)"]
      case .message(let type): return numbers(of: type, seen: seen + [name]).map { "\(field).\($0)" }
      // Whether a map's values are numbers is seen in a sample.
      case .map(let type?): return numbers(of: type, seen: seen + [name]).map { "\(field).2.\($0)" }
      case .map, .other: return []
      }
    }
  }

  private struct Finder: Visitor {
    var found: [UInt64: Kind] = [:]

    private mutating func note(_ number: Int, _ kind: Kind) { found[UInt64(number)] = kind }

    mutating func visitSingularDoubleField(value: Double, fieldNumber: Int) { note(fieldNumber, .number) }
    mutating func visitSingularInt64Field(value: Int64, fieldNumber: Int) { note(fieldNumber, .number) }
    mutating func visitSingularUInt64Field(value: UInt64, fieldNumber: Int) { note(fieldNumber, .number) }
    mutating func visitSingularBoolField(value: Bool, fieldNumber: Int) { note(fieldNumber, .other) }
    mutating func visitSingularStringField(value: String, fieldNumber: Int) { note(fieldNumber, .other) }
    mutating func visitSingularBytesField(value: Data, fieldNumber: Int) { note(fieldNumber, .other) }
    mutating func visitSingularEnumField<E: Enum>(value: E, fieldNumber: Int) { note(fieldNumber, .number) }
    mutating func visitSingularMessageField<M: Message>(value: M, fieldNumber: Int) {
      note(fieldNumber, .message(M.self))
    }
    mutating func visitMapField<K, V: MapValueType>(
      fieldType: _ProtobufMap<K, V>.Type, value: _ProtobufMap<K, V>.BaseType, fieldNumber: Int
    ) { note(fieldNumber, .map(nil)) }
    mutating func visitMapField<K, V>(
      fieldType: _ProtobufEnumMap<K, V>.Type, value: _ProtobufEnumMap<K, V>.BaseType, fieldNumber: Int
    ) { note(fieldNumber, .map(nil)) }
    mutating func visitMapField<K, V>(
      fieldType: _ProtobufMessageMap<K, V>.Type, value: _ProtobufMessageMap<K, V>.BaseType, fieldNumber: Int
    ) { note(fieldNumber, .map(V.self)) }
    mutating func visitUnknown(bytes: Data) {}
  }

  // MARK: What a sample has

  /// The bytes of a message, with each number in them replaced by each hostile one.
  private static func walk(_ bytes: [UInt8], _ type: any Message.Type) -> [(path: String, bytes: [UInt8])] {
    walk(bytes, fields(of: type))
  }

  private static func walk(_ bytes: [UInt8], _ kinds: [UInt64: Kind]) -> [(path: String, bytes: [UInt8])] {
    var variants: [(String, [UInt8])] = []
    var at = 0
    while at < bytes.count {
      let start = at
      guard let tag = readVarint(bytes, &at) else { break }
      let field = tag >> 3
      var content = 0..<0
      switch tag & 7 {
      case 0: _ = readVarint(bytes, &at)
      case 1: at += 8
      case 5: at += 4
      case 2:
        guard let length = readVarint(bytes, &at) else { return variants }
        content = at..<at + Int(length)
        at = content.upperBound
      default: return variants
      }
      let (head, tail) = (Array(bytes[..<start]), Array(bytes[at...]))
      let name = varint(tag)
      switch kinds[field] {
      case .number where tag & 7 == 0:
        for hostile in HostileNumbers.integers { variants.append(("\(field)", head + name + varint(hostile) + tail)) }
      case .number where tag & 7 == 1:
        for hostile in HostileNumbers.doubles.map(\.bitPattern) + HostileNumbers.integers {
          variants.append(
            ("\(field)", head + name + (0..<8).map { UInt8(truncatingIfNeeded: hostile >> ($0 * 8)) } + tail))
        }
      case .number where tag & 7 == 5:
        for hostile in HostileNumbers.doubles.map({ Float($0).bitPattern }) + [0, .max, 1 << 31] {
          variants.append(
            ("\(field)", head + name + (0..<4).map { UInt8(truncatingIfNeeded: hostile >> ($0 * 8)) } + tail))
        }
      case .message, .map:
        let inner =
          switch kinds[field] {
          case .message(let type): walk(Array(bytes[content]), type)
          case .map(let type): walk(Array(bytes[content]), [2: type.map { .message($0) } ?? .number])
          default: [(path: String, bytes: [UInt8])]()
          }
        for (path, inside) in inner {
          variants.append(("\(field).\(path)", head + name + varint(UInt64(inside.count)) + inside + tail))
        }
      default: break
      }
    }
    return variants
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (value, bytes) = (value, [UInt8]())
    while value > 0x7F {
      bytes.append(UInt8(value & 0x7F) | 0x80)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }

  private static func readVarint(_ bytes: [UInt8], _ at: inout Int) -> UInt64? {
    var (value, shift) = (UInt64(0), UInt64(0))
    while at < bytes.count, shift < 64 {
      let byte = bytes[at]
      at += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }
}
