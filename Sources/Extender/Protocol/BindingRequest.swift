import Formats
import Kubernetes

/// What a scheduler asks in `/bind`: `ExtenderBindingArgs` of the protocol v1.
package struct BindingRequest: Hashable, Sendable {
  /// The pod's name.
  package var name = ""
  /// The pod's namespace.
  package var namespace = ""
  /// The pod's identity.
  package var uid = ""
  /// The node that it is to run on.
  package var node = ""

  /// Makes a request.
  package init(name: String, namespace: String, uid: String, node: String) {
    self.name = name
    self.namespace = namespace
    self.uid = uid
    self.node = node
  }

  /// Reads a request.
  ///
  /// Throws ``ProtocolError/Code/malformed``, also where a field is missing.
  init(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
    self.init(name: "", namespace: "", uid: "", node: "")
    var request = self
    try JSONScanner.read(bytes) { scanner throws(JSONScanner.Fault) in
      guard scanner.next == UInt8(ascii: "{") else { throw scanner.unexpected("'{'") }
      try scanner.skipObject { scanner, key throws(JSONScanner.Fault) in
        if scanner.isKey(key, "podname") {
          request.name = try scanner.readString(atMost: RequestLimits.name) ?? ""
        } else if scanner.isKey(key, "podnamespace") {
          request.namespace = try scanner.readString(atMost: RequestLimits.name) ?? ""
        } else if scanner.isKey(key, "poduid") {
          request.uid = try scanner.readString(atMost: RequestLimits.uid) ?? ""
        } else if scanner.isKey(key, "node") {
          request.node = try scanner.readString(atMost: RequestLimits.name) ?? ""
        } else {
          try scanner.skipValue(depth: 1)
        }
      }
    }
    let fields = [("PodName", request.name), ("PodNamespace", request.namespace), ("Node", request.node)]
    if let missing = fields.first(where: { $0.1.isEmpty }) {
      throw ProtocolError(code: .malformed, message: "\(missing.0): found nothing, expected a name")
    }
    self = request
  }
}
