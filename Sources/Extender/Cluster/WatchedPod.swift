import Formats

/// A pod as the watch tells it, as far as the extender needs to know it.
struct WatchedPod: Sendable {
  /// Who it is, and of which workload.
  var pod = RequestedPod()
  /// The node that it runs on, or is bound to; nil where it is on none, has ended, or is on its way out.
  var node: String?

  /// Whether it waits to be bound to a node.
  var isWaiting = false

  /// Reads a pod's JSON.
  ///
  /// Throws ``ProtocolError/Code/malformed``.
  init(_ json: [UInt8]) throws(ProtocolError) {
    var pod = RequestedPod()
    var node: String?
    var isGoing = false
    let result = json.withUnsafeBytes { bytes in
      Result { () throws(ProtocolError) in
        pod = try Self.pod(bytes)
        try JSONScanner.read(bytes) { scanner throws(JSONScanner.Fault) in
          try scanner.readFields(depth: 0) { scanner, key throws(JSONScanner.Fault) in
            if scanner.isKey(key, "spec") {
              node = try scanner.readField("nodename")
            } else if scanner.isKey(key, "status") {
              let phase = try scanner.readField("phase")
              isGoing = isGoing || phase == "Succeeded" || phase == "Failed"
            } else if scanner.isKey(key, "metadata") {
              isGoing = try scanner.readField("deletiontimestamp") != nil || isGoing
            } else {
              try scanner.skipValue(depth: 1)
            }
          }
        }
      }
    }
    try result.get()
    self.pod = pod
    self.node = isGoing ? nil : node.flatMap { $0.isEmpty ? nil : $0 }
    isWaiting = !isGoing && self.node == nil
  }

  private static func pod(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) -> RequestedPod {
    var pod = RequestedPod()
    try JSONScanner.read(bytes) { scanner throws(JSONScanner.Fault) in pod = try RequestedPod(&scanner, depth: 0) }
    return pod
  }
}

extension JSONScanner {
  /// Passes an object of an object, and answers the text of one of its fields, which is named in lower case; nil where
  /// it has none.
  fileprivate mutating func readField(_ name: StaticString) throws(Fault) -> String? {
    var text: String?
    try readFields(depth: 1) { scanner, key throws(Fault) in
      if scanner.isKey(key, name) { text = try scanner.readString() } else { try scanner.skipValue(depth: 2) }
    }
    return text
  }
}
