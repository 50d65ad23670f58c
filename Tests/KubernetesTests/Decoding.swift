import Formats
import FoundationEssentials

@testable import Kubernetes

/// Reads YAML (or JSON) as a value.
func decode<Value: Decodable>(_ yaml: String) throws -> Value {
  try JSONDecoder().decode(Value.self, from: Data(json(yaml)))
}

/// The JSON of the first YAML document.
func json(_ yaml: String) throws -> [UInt8] {
  try Array(yaml.utf8).withUnsafeBufferPointer { bytes in
    var transcoder = YAMLTranscoder(bytes)
    return try transcoder.next()?.json ?? []
  }
}

/// Reads inputs as a user would give them.
func snapshot(_ inputs: String...) throws(ManifestError) -> ClusterSnapshot {
  var snapshot = ClusterSnapshot()
  for (i, input) in inputs.enumerated() { try snapshot.read(Array(input.utf8), source: "input\(i + 1)") }
  return snapshot
}

/// What is wrong with an input.
func error(_ inputs: String...) -> String? {
  var snapshot = ClusterSnapshot()
  do throws(ManifestError) {
    for (i, input) in inputs.enumerated() { try snapshot.read(Array(input.utf8), source: "input\(i + 1)") }
    return nil
  } catch {
    return error.description
  }
}
