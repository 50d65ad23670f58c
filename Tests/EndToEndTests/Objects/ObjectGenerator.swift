import Formats
import Kubernetes
import Model

/// Makes specs of a custom resource from its schema: a good one with some fields set to other values, good and bad.
///
/// In the manner of Acto (Gu et al., SOSP 2023), which tests operators so; but what a value may be is all the same to it:
/// whoever is tested must stand any.
struct ObjectGenerator {
  /// What stands for a piece of JSON that a `JSONValue` cannot hold, in a text.
  private static let raw = "\u{1F}raw "

  private let schema: JSONValue
  private var generator: SeededGenerator

  /// - Parameter schema: the OpenAPI schema of the spec.
  init(_ schema: JSONValue, seed: UInt64) {
    self.schema = schema
    generator = SeededGenerator(seed: seed)
  }

  /// A spec near a good one.
  mutating func spec(near good: JSONValue) -> JSONValue {
    var spec = good
    for _ in 0...generator.below(3) { change(&spec, schema) }
    return spec
  }

  /// A value as JSON text.
  static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .string(let text) where text.hasPrefix(raw): String(text.dropFirst(raw.count))
    case .string(let text): quoted(text)
    case .array(let elements): "[\(elements.map(Self.text).joined(separator: ","))]"
    case .object(let fields):
      "{\(fields.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(Self.text($0.value))" }.joined(separator: ","))}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  /// Changes a field somewhere inside.
  private mutating func change(_ value: inout JSONValue, _ schema: JSONValue) {
    if case .object(let known)? = schema["properties"], case .object(var fields) = value, generator.below(8) > 0,
      let (name, inner) = known.sorted(by: { $0.key < $1.key }).randomElement(using: &generator)
    {
      switch generator.below(6) {
      case 0: fields[name] = nil
      case 1: fields[name] = self.value(inner)
      default:
        var changed = fields[name] ?? self.value(inner)
        change(&changed, inner)
        fields[name] = changed
      }
      value = .object(fields)
    } else if let inner = schema["items"], case .array(var elements) = value, generator.below(6) > 0 {
      switch generator.below(4) {
      case 0: elements.append(self.value(inner))
      case 1 where !elements.isEmpty: elements.append(elements[0])
      case 2 where !elements.isEmpty: elements.removeLast()
      default:
        guard let index = elements.indices.randomElement(using: &generator) else { break }
        change(&elements[index], inner)
      }
      value = .array(elements)
    } else if let text = value.string, Self.isDuration(text), generator.below(3) > 0 {
      value = .string(Self.durations.randomElement(using: &generator) ?? "1s")
    } else {
      value = generator.below(4) == 0 ? anything() : self.value(schema)
    }
  }

  /// A schema does not say that a text is a duration, but a good one looks like it.
  private static func isDuration(_ text: String) -> Bool {
    guard let first = text.utf8.first, let last = text.utf8.last else { return false }
    return (0x30...0x39).contains(first) && "smh".utf8.contains(last)
  }

  private static let durations = [
    "0s", "1ms", "500ms", "60s", "1h30m", "-5s", "3000000h", "2562047h", "2562048h", "9223372036s", "9223372037s",
    "1e400h",
    "0.0000000001s", "99999999999999999999h", "999999999h", "5", "s", "1h1h1h", "infs", "nans", "1d",
    String(repeating: "1h", count: 10_000),
  ]

  /// A value of a schema's type, within its bounds, at them, or beyond.
  private mutating func value(_ schema: JSONValue) -> JSONValue {
    switch schema["type"]?.string {
    case "object":
      guard case .object(let known)? = schema["properties"] else { return [:] }
      var fields: [String: JSONValue] = [:]
      for (name, inner) in known.sorted(by: { $0.key < $1.key }) where generator.below(3) > 0 {
        fields[name] = value(inner)
      }
      return .object(fields)
    case "array":
      guard let inner = schema["items"] else { return [] }
      return .array((0..<generator.below(4)).map { _ in value(inner) })
    case "boolean": return .bool(generator.below(2) == 0)
    case "integer", "number": return number(schema)
    case "string":
      if let words = schema["enum"]?.array, generator.below(5) > 0 {
        return words.randomElement(using: &generator) ?? "x"
      }
      return text()
    default: return anything()
    }
  }

  private static let numbers = [
    "0", "-1", "1", "0.5", "1e-7", "5e-324", "4.5e307", "1e308", "-1e308", "1e400", "2147483648", "4294967296",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "0.0001", "6e9", "1e12",
    String(repeating: "9", count: 400), "0." + String(repeating: "3", count: 400),
  ]

  private mutating func number(_ schema: JSONValue) -> JSONValue {
    let bounds = ["minimum", "maximum"].compactMap { schema[$0] }
    if let bound = bounds.randomElement(using: &generator), generator.below(3) == 0 { return bound }
    return .string(Self.raw + (Self.numbers.randomElement(using: &generator) ?? "0"))
  }

  private static let texts = [
    "", " ", "cart", "edge-b", "-", "a.b.c", "cart.edge-b.example", "10.9.9.9:443", "[fd00::1]:80", "x:99999", "*",
    "../..",
    "namespace/name", "a/b/c", "Ünïcödé", "e\u{301}", "\u{202E}evil", "line\nfeed", "tab\there", "quote\"",
    "back\\slash",
    "{{template}}", "$(env)", "\u{1F}", "true", "null", "0", "NaN", "1e308",
    "1e400h", "0.0000000001s", "99999999999999999999h", "5", "s", "up\"} or vector(1) #", ".*", "(a+)+$", "日本語",
    String(repeating: "a", count: 63), String(repeating: "a", count: 64), String(repeating: "a", count: 254),
    String(repeating: "x", count: 10_000), String(repeating: "9", count: 100_000),
  ]

  private mutating func text() -> JSONValue { .string(Self.texts.randomElement(using: &generator) ?? "") }

  /// A value of another type.
  private mutating func anything() -> JSONValue {
    switch generator.below(8) {
    case 0: return .null
    case 1: return .bool(true)
    case 2: return .string(Self.raw + (Self.numbers.randomElement(using: &generator) ?? "0"))
    case 3: return text()
    case 4: return []
    case 5: return [:]
    case 6: return .string(Self.raw + String(repeating: "[", count: 60) + String(repeating: "]", count: 60))
    default:
      return .string(
        Self.raw + String(repeating: #"{"a":"#, count: 200) + "1" + String(repeating: "}", count: 200))
    }
  }
}
