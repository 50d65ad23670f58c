import Formats
import Foundation
import Testing
import Yams

/// YAML as the value that kubectl would send.
enum YAMLTranscoding {
  static func value(_ yaml: String) throws -> JSONValue {
    let object = try #require(try Yams.load(yaml: yaml))
    return try JSONDecoder().decode(JSONValue.self, from: JSONSerialization.data(withJSONObject: object))
  }
}
