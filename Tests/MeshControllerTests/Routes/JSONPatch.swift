import Formats
import Foundation
import Kubernetes
import Testing
import Yams

/// Applies JSON patches (RFC 6902) as far as the controller makes them.
enum JSONPatch {
  struct Fault: Error {
    var description: String
  }

  private struct Step: Decodable {
    var op: String
    var path: String
    var value: JSONValue?
  }

  static func apply(_ operations: [Patch.Operation], to object: JSONValue) throws -> JSONValue {
    var object = object
    for step in try JSONDecoder().decode([Step].self, from: JSONEncoder().encode(operations)) {
      let path = step.path.split(separator: "/").map(String.init)
      switch step.op {
      case "test":
        guard value(at: path, in: object) == step.value else { throw Fault(description: step.path) }
      case "add":
        try set(step.value ?? .null, at: path[...], in: &object)
      default:
        throw Fault(description: step.op)
      }
    }
    return object
  }

  private static func value(at path: [String], in object: JSONValue) -> JSONValue? {
    path.reduce(object) { value, name in
      guard let list = value?.array else { return value?[name] }
      return Int(name).flatMap { list.indices.contains($0) ? list[$0] : nil }
    }
  }

  private static func set(_ value: JSONValue, at path: ArraySlice<String>, in object: inout JSONValue) throws {
    guard let name = path.first else {
      object = value
      return
    }
    if var list = object.array {
      guard let index = Int(name), list.indices.contains(index) else { throw Fault(description: "\(path)") }
      try set(value, at: path.dropFirst(), in: &list[index])
      object = .array(list)
    } else {
      var field = object[name] ?? .null
      guard path.count == 1 || object[name] != nil else { throw Fault(description: "\(path)") }
      try set(value, at: path.dropFirst(), in: &field)
      object[name] = field
    }
  }
}

/// YAML as a value.
enum YAMLValue {
  static func read(_ yaml: String) throws -> JSONValue {
    let object = try #require(try Yams.load(yaml: yaml))
    return try JSONDecoder().decode(JSONValue.self, from: JSONSerialization.data(withJSONObject: object))
  }
}
