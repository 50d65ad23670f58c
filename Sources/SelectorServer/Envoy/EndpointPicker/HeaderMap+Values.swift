import EnvoyProtocol
import Foundation
import Selection

extension Envoy_Config_Core_V3_HeaderMap {
  /// The bytes of the first header of a name, which is in lower case; nil where there is none.
  func bytes(_ name: String) -> Data? {
    guard let header = headers.first(where: { $0.key == name }) else { return nil }
    return header.rawValue.isEmpty ? Data(header.value.utf8) : header.rawValue
  }

  /// The text of the first header of a name, which is in lower case; nil where there is none.
  func text(_ name: String) -> String? {
    bytes(name).map { String(decoding: $0, as: UTF8.self) }
  }

  /// What the replica says of its load; nil where it says nothing that counts.
  var load: LoadReport? {
    for (name, isBinary) in [("endpoint-load-metrics", false), ("endpoint-load-metrics-bin", true)] {
      if let value = bytes(name) { return LoadReport(endpointLoadMetrics: value, isBinaryHeader: isBinary) }
    }
    return nil
  }
}
