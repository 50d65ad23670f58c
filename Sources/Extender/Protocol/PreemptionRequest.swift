import Formats

/// What a scheduler asks in `/preempt`: `ExtenderPreemptionArgs` of the protocol v1.
struct PreemptionRequest {
  /// What would have to go on a node.
  struct Victims {
    /// The node.
    var node: String
    /// The identities of the pods that would go.
    var uids: [String]
    /// How many disruption budgets that would violate.
    var violations: Int
  }

  /// The pod that is to be placed.
  var pod = RequestedPod()
  /// What would have to go, node by node, in the order of the request.
  private(set) var victims: [Victims] = []

  /// Reads a request.
  ///
  /// Throws ``ProtocolError/Code/malformed``, and ``ProtocolError/Code/busy`` where there is no memory for so many victims.
  init(_ bytes: UnsafeRawBufferPointer, _ memory: RequestMemory? = nil) throws(ProtocolError) {
    var pod = RequestedPod()
    var whole: [Victims] = []
    var meta: [Victims] = []
    try JSONScanner.read(bytes, memory) { scanner throws(JSONScanner.Fault) in
      guard scanner.next == UInt8(ascii: "{") else { throw scanner.unexpected("'{'") }
      try scanner.skipObject { scanner, key throws(JSONScanner.Fault) in
        if scanner.isKey(key, "pod") {
          pod = try RequestedPod(&scanner, depth: 1)
        } else if scanner.isKey(key, "nodenametovictims") {
          whole = try Self.victims(&scanner, memory) { scanner throws(JSONScanner.Fault) in
            try RequestedPod(&scanner, depth: 4).uid
          }
        } else if scanner.isKey(key, "nodenametometavictims") {
          meta = try Self.victims(&scanner, memory, uid: Self.metaPod)
        } else {
          try scanner.skipValue(depth: 1)
        }
      }
    }
    self.pod = pod
    victims = meta.isEmpty ? whole : meta
  }

  private static func victims(
    _ scanner: inout JSONScanner, _ memory: RequestMemory?, uid: (inout JSONScanner) throws(JSONScanner.Fault) -> String
  ) throws(JSONScanner.Fault) -> [Victims] {
    var all: [Victims] = []
    var count = 0
    try scanner.readFields(depth: 1) { scanner, node throws(JSONScanner.Fault) in
      try Self.makeRoom(&count, &scanner, memory)
      let name = try JSONScanner.checked(node: node, at: node.lowerBound - 1)
      var victims = Victims(node: try scanner.unescaped(name), uids: [], violations: 0)
      try scanner.readFields(depth: 2) { scanner, key throws(JSONScanner.Fault) in
        if scanner.isKey(key, "pods") {
          try scanner.readElements(depth: 3) { scanner throws(JSONScanner.Fault) in
            try Self.makeRoom(&count, &scanner, memory)
            victims.uids.append(try uid(&scanner))
          }
        } else if scanner.isKey(key, "numpdbviolations") {
          victims.violations = try scanner.readInteger()
        } else {
          try scanner.skipValue(depth: 3)
        }
      }
      all.append(victims)
    }
    return all
  }

  /// What a node or a victim takes at most, in bytes.
  private static let bytesOfVictim = 384
  private static let victimsAtATime = 256

  /// Takes memory for some more nodes and victims, after each so many.
  private static func makeRoom(
    _ count: inout Int, _ scanner: inout JSONScanner, _ memory: RequestMemory?
  ) throws(JSONScanner.Fault) {
    guard count < RequestLimits.victims else {
      throw JSONScanner.Fault(
        offset: scanner.position, message: "found more nodes and victims, expected at most \(RequestLimits.victims)")
    }
    if count > 0, count.isMultiple(of: victimsAtATime) { try scanner.take(victimsAtATime * bytesOfVictim, of: memory) }
    count += 1
  }

  private static func metaPod(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> String {
    var uid = ""
    try scanner.readFields(depth: 4) { scanner, key throws(JSONScanner.Fault) in
      guard scanner.isKey(key, "uid") else { return try scanner.skipValue(depth: 5) }
      uid = try scanner.readString(atMost: RequestLimits.uid) ?? ""
    }
    return uid
  }
}
