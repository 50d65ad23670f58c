import Connections
import Formats
import Foundation
import HostileNumbersTestSupport
import Kubernetes
import Model
import Testing
import Yams

@testable import Fleet

/// The schema of the custom resource and the reader of its objects say the same of each number, duration and length.
@Suite("The schema of overflow policies")
struct PolicySchemaTests {
  private static var spec: [String: Any] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "manifests/overflow/overflowpolicies.yaml")
    let yaml = (try? String(contentsOf: file, encoding: .utf8)).flatMap { try? Yams.load(yaml: $0) } as? [String: Any]
    let versions = (yaml?["spec"] as? [String: Any])?["versions"] as? [[String: Any]]
    let schema = (versions?.first?["schema"] as? [String: Any])?["openAPIV3Schema"] as? [String: Any]
    return (schema?["properties"] as? [String: Any])?["spec"] as? [String: Any] ?? [:]
  }

  /// A field that has a value, and what the schema says of it.
  struct Leaf: Sendable, CustomTestStringConvertible {
    var path: [String]
    var type: String
    var minimum: Double?
    var maximum: Double?
    var minItems: Int?
    var maxItems: Int?
    var maxLength: Int?
    var pattern: String?
    var isEnumeration: Bool

    init(_ path: [String], _ schema: [String: Any]) {
      self.path = path
      type = schema["type"] as? String ?? ""
      minimum = schema["minimum"] as? Double ?? (schema["minimum"] as? Int).map(Double.init)
      maximum = schema["maximum"] as? Double ?? (schema["maximum"] as? Int).map(Double.init)
      minItems = schema["minItems"] as? Int
      maxItems = schema["maxItems"] as? Int
      maxLength = schema["maxLength"] as? Int
      pattern = schema["pattern"] as? String
      isEnumeration = schema["enum"] != nil
    }

    var testDescription: String { path.joined(separator: ".") }
  }

  /// All fields but objects; of a list, one for the list and those of its elements.
  private static func leaves(_ schema: [String: Any], _ path: [String] = []) -> [Leaf] {
    let own = [Leaf(path, schema)]
    switch schema["type"] as? String {
    case "object":
      return (schema["properties"] as? [String: [String: Any]] ?? [:]).sorted { $0.key < $1.key }.flatMap {
        leaves($0.value, path + [$0.key])
      }
    case "array": return own + leaves(schema["items"] as? [String: Any] ?? [:], path + ["0"])
    default: return own
    }
  }

  static let leaves = leaves(spec)

  /// Policies that together have all fields.
  private static var samples: [String: Any] {
    [
      "service": "cart", "capacity": ["perMinute": 540], "mode": "weights", "dryRun": true, "maxHops": 1,
      "neighbours": [
        ["name": "edge-b", "host": "cart.edge-b", "cost": 4, "limitPerMinute": 300, "capacity": ["perMinute": 540]]
      ],
      "route": ["kind": "VirtualService", "name": "cart", "rules": ["r"]], "safeAfter": "60s",
      "limits": [
        "unknownPerMinute": 30, "tricklePerMinute": 3, "sharedHeadroom": 0.5, "stepOut": 0.5, "stepBack": 0.5,
        "hold": "30s",
        "hysteresis": 0.1, "deadBand": 0.1, "distressErrors": 0.1, "distressResponse": 2, "leastCapacity": 0.1,
      ],
      "measure": ["source": "prometheus", "demandQuery": "a", "responseTimeQuery": "b", "errorShareQuery": "c"],
    ]
  }

  /// A policy with a value at a path, beside which nothing is that would forbid it.
  private static func policy(_ path: [String], _ value: Any) -> [String: Any] {
    var sample = samples
    if path.first == "route", ["hosts", "gateways", "neighbourGateways", "port"].contains(path.dropFirst().first) {
      sample["route"] = [
        "kind": "VirtualService", "name": "cart", "owned": true, "hosts": ["cart.example"], "gateways": ["gateway"],
      ]
    }
    return put(value, at: path[...], in: sample) as? [String: Any] ?? [:]
  }

  private static func put(_ value: Any, at path: ArraySlice<String>, in tree: Any?) -> Any {
    guard let first = path.first else { return value }
    if let index = Int(first) {
      var list = tree as? [Any] ?? []
      if index < list.count {
        list[index] = put(value, at: path.dropFirst(), in: list[index])
      } else {
        list.append(value)
      }
      return list
    }
    // One of both, and not both.
    var fields = first == "perPodPerMinute" ? [:] : tree as? [String: Any] ?? [:]
    fields[first] = put(value, at: path.dropFirst(), in: fields[first])
    return fields
  }

  private static func isAccepted(_ path: [String], _ value: Any) throws -> Bool {
    let object: [String: Any] = [
      "apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy",
      "metadata": ["name": "cart", "namespace": "shop", "resourceVersion": "1"], "spec": policy(path, value),
    ]
    let json = try JSONSerialization.data(withJSONObject: object)
    do {
      _ = try OverflowPolicy(RawObject(json: [UInt8](json)))
      return true
    } catch let error as FileError {
      #expect(!error.description.isEmpty && error.description.utf8.count < 1000, "an error is short")
      return false
    }
  }

  @Test("has no number without both bounds, no text and no list without a length")
  func everythingIsBounded() {
    #expect(Self.leaves.count > 35)
    for leaf in Self.leaves {
      let name = leaf.testDescription
      switch leaf.type {
      case "number", "integer": #expect(leaf.minimum != nil && leaf.maximum != nil, "\(name)")
      case "array": #expect(leaf.maxItems != nil, "\(name)")
      case "string": #expect(leaf.maxLength != nil || leaf.isEnumeration, "\(name)")
      default: #expect(leaf.type == "boolean", "\(name)")
      }
    }
  }

  @Test("and the reader accept the same numbers, and no number ends the process", arguments: leaves)
  func numbers(leaf: Leaf) throws {
    guard ["number", "integer"].contains(leaf.type) else { return }
    let (least, most) = (try #require(leaf.minimum), try #require(leaf.maximum))
    var values = HostileNumbers.doubles.filter(\.isFinite) + HostileNumbers.integers.map { Double($0) }
    values += [least, least - 1, least.nextDown, most, most + 1, most.nextUp]
    for value in values {
      let isWhole = leaf.type == "number" || value == value.rounded()
      #expect(
        try Self.isAccepted(leaf.path, value) == (isWhole && (least...most).contains(value)),
        "\(leaf.testDescription): \(value)")
    }
  }

  @Test("and the reader accept the same texts and lists by their lengths", arguments: leaves)
  func lengths(leaf: Leaf) throws {
    if let most = leaf.maxLength, leaf.pattern == nil {
      #expect(try Self.isAccepted(leaf.path, String(repeating: "a", count: most)))
      #expect(try !Self.isAccepted(leaf.path, String(repeating: "a", count: most + 1)))
      #expect(try !Self.isAccepted(leaf.path, String(repeating: "9", count: 100_000)))
    }
    if let most = leaf.maxItems {
      func list(_ count: Int) -> [Any] {
        (0..<count).map {
          leaf.path == ["neighbours"] ? ["name": "n\($0)", "host": "h\($0).example"] as [String: Any] : "x\($0)" as Any
        }
      }
      #expect(try Self.isAccepted(leaf.path, list(most)), "\(leaf.testDescription)")
      #expect(try !Self.isAccepted(leaf.path, list(most + 1)), "\(leaf.testDescription)")
      #expect(try !Self.isAccepted(leaf.path, list(0)) && leaf.minItems == 1)
    }
  }

  @Test("lets each duration in that the reader accepts, and the reader ends at none", arguments: leaves)
  func durations(leaf: Leaf) throws {
    guard let pattern = leaf.pattern, pattern.contains("ms") else { return }
    let regex = try Regex(pattern)
    let numbers = HostileNumbers.texts + ["1", "10", "0.5", "1.", ".5", "3000000"]
    for number in numbers {
      for text in ["h", "m", "s", "ms", "d", ""].map({ number + $0 }) + [number + "h" + number + "ms"] {
        let isAdmitted = text.count <= (leaf.maxLength ?? 0) && text.wholeMatch(of: regex) != nil
        let isAccepted = try Self.isAccepted(leaf.path, text)
        #expect(!isAccepted || isAdmitted, "\(leaf.testDescription): \(text.prefix(40))")
        let range = leaf.path.last == "hold" ? Bounds.hold : Bounds.safeAfter
        if isAdmitted, let duration = Duration(text: text) {
          #expect(isAccepted == range.contains(duration), "\(leaf.testDescription): \(text.prefix(40))")
        }
      }
    }
  }

  @Test("The message of headroom is read or refused, whatever its numbers")
  func headroom() throws {
    let sample = """
      {"perMinute": 210, "capacityPerMinute": 540, "demandPerMinute": 330, "receivedPerMinute": 10,
       "time": "2026-01-02T03:04:05.25Z", "ttlSeconds": 12.5}
      """
    for variant in HostileNumbers.variants(of: sample) {
      guard let message = try? HeadroomMessage(payload: Array(variant.text.utf8)) else { continue }
      for now in [0, 1.7e9, 1e308, -1e308, .infinity, .nan] {
        let left = message.lifeLeft(isRetained: true, at: now)
        #expect(left >= .zero && left <= .seconds(3600), "\(variant.place)")
      }
      #expect(!message.payload.isEmpty, "\(variant.place)")
    }
  }
}
