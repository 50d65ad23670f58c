import Formats

/// What a scheduler asks in `/filter` and `/prioritize`: `ExtenderArgs` of the protocol v1.
///
/// Of the nodes it holds only where they are in the request's bytes: 5,000 whole nodes are 50 MB.
struct SchedulingRequest {
  /// A node that is offered.
  struct Candidate {
    /// Where its name is, between the quotation marks.
    var name: Range<Int>
    /// Where the element is that stands for it: the name with its quotation marks, or the whole node.
    var element: Range<Int>
  }

  /// How the nodes are given.
  enum Form {
    /// In `NodeNames`: the scheduler is configured with `nodeCacheCapable: true`.
    case names
    /// In `Nodes`, whole.
    case objects
  }

  /// The pod that is to be placed.
  var pod = RequestedPod()
  /// How the nodes are given; by name where none are.
  private(set) var form = Form.names
  /// The nodes that are offered.
  private(set) var candidates: [Candidate] = []
  /// Where the field's whole value is; nil where there are no nodes.
  private(set) var value: Range<Int>?

  /// Reads a request.
  ///
  /// Throws ``ProtocolError/Code/malformed``, and ``ProtocolError/Code/busy`` where there is no memory for so many nodes.
  init(_ bytes: UnsafeRawBufferPointer, _ memory: RequestMemory? = nil) throws(ProtocolError) {
    var names = Field()
    var objects = Field()
    var pod = RequestedPod()
    try JSONScanner.read(bytes, memory) { scanner throws(JSONScanner.Fault) in
      guard scanner.next == UInt8(ascii: "{") else { throw scanner.unexpected("'{'") }
      try scanner.skipObject { scanner, key throws(JSONScanner.Fault) in
        if scanner.isKey(key, "pod") {
          pod = try RequestedPod(&scanner, depth: 1)
        } else if scanner.isKey(key, "nodenames") {
          names = try Field(names: &scanner, memory)
        } else if scanner.isKey(key, "nodes") {
          objects = try Field(objects: &scanner, memory)
        } else {
          try scanner.skipValue(depth: 1)
        }
      }
    }
    self.pod = pod
    form = names.value == nil && objects.value != nil ? .objects : .names
    let field = form == .names ? names : objects
    candidates = field.candidates
    value = field.value
  }

  /// One of the two fields that nodes come in.
  private struct Field {
    var candidates: [Candidate] = []
    var value: Range<Int>?

    init() {}

    init(names scanner: inout JSONScanner, _ memory: RequestMemory?) throws(JSONScanner.Fault) {
      let start = scanner.position
      var candidates: [Candidate] = []
      try scanner.readElements(depth: 1) { scanner throws(JSONScanner.Fault) in
        guard scanner.next == UInt8(ascii: "\"") else { throw scanner.unexpected("a node's name") }
        let start = scanner.position
        let name = try JSONScanner.checked(node: scanner.skipString(), at: start)
        try Self.makeRoom(candidates.count, &scanner, memory)
        candidates.append(Candidate(name: name, element: start..<scanner.position))
      }
      self.candidates = candidates
      if scanner.bytes[start] == UInt8(ascii: "[") { value = start..<scanner.position }
    }

    init(objects scanner: inout JSONScanner, _ memory: RequestMemory?) throws(JSONScanner.Fault) {
      let start = scanner.position
      var candidates: [Candidate] = []
      try scanner.readFields(depth: 1) { scanner, key throws(JSONScanner.Fault) in
        guard scanner.isKey(key, "items") else { return try scanner.skipValue(depth: 2) }
        candidates = []
        try scanner.readElements(depth: 2) { scanner throws(JSONScanner.Fault) in
          try Self.makeRoom(candidates.count, &scanner, memory)
          candidates.append(try Self.node(&scanner))
        }
      }
      self.candidates = candidates
      if scanner.bytes[start] == UInt8(ascii: "{") { value = start..<scanner.position }
    }

    /// What a node takes until it is answered, in bytes: where it is, its number and its score.
    private static let bytesOfNode = 80
    private static let nodesAtATime = 1024

    /// Takes memory for some more nodes, after each so many.
    private static func makeRoom(
      _ count: Int, _ scanner: inout JSONScanner, _ memory: RequestMemory?
    ) throws(JSONScanner.Fault) {
      guard count < RequestLimits.nodes else {
        throw JSONScanner.Fault(
          offset: scanner.position, message: "found more nodes, expected at most \(RequestLimits.nodes)")
      }
      guard count > 0, count.isMultiple(of: nodesAtATime) else { return }
      try scanner.take(nodesAtATime * bytesOfNode, of: memory)
    }

    private static func node(_ scanner: inout JSONScanner) throws(JSONScanner.Fault) -> Candidate {
      let start = scanner.position
      var name: Range<Int>?
      try scanner.readFields(depth: 3) { scanner, key throws(JSONScanner.Fault) in
        guard scanner.isKey(key, "metadata") else { return try scanner.skipValue(depth: 4) }
        try scanner.readFields(depth: 4) { scanner, key throws(JSONScanner.Fault) in
          guard scanner.isKey(key, "name"), scanner.next == UInt8(ascii: "\"") else {
            return try scanner.skipValue(depth: 5)
          }
          let start = scanner.position
          name = try JSONScanner.checked(node: scanner.skipString(), at: start)
        }
      }
      guard let name else {
        throw JSONScanner.Fault(offset: start, message: "found a node without a name, expected one in metadata.name")
      }
      return Candidate(name: name, element: start..<scanner.position)
    }
  }
}

extension NameTable {
  /// The numbers of the nodes that are offered; −1 for one that is not known.
  func numbers(of candidates: [SchedulingRequest.Candidate], in bytes: UnsafeRawBufferPointer) -> [Int32] {
    candidates.withUnsafeBufferPointer { candidates in
      numbers(count: candidates.count, in: bytes) { candidates[$0].name }
    }
  }
}
