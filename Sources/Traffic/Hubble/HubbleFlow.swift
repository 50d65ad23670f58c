/// One flow of Hubble's, as far as traffic is concerned (`api/v1/flow/flow.proto` of Cilium).
struct HubbleFlow {
  /// What a flow tells of requests, from the best to the least.
  enum Evidence: UInt8, CaseIterable {
    /// A request that a proxy saw (HTTP, gRPC, Kafka, DNS).
    case request
    /// The first packet of a TCP connection.
    case connection
    /// Any other packet.
    case packet
  }

  /// One end, under the best name that the flow gives it.
  struct End {
    /// What an end is named by, best first.
    enum NameKind: UInt8 {
      case workload, label, pod
    }

    var endpoint: TrafficEndpoint
    var nameKind: NameKind
    /// The pod, under its own name.
    var pod: TrafficEndpoint?
  }

  /// What tells the flow from all others, so that it counts once though two dumps have it; nil where it has neither an
  /// id nor a time.
  private(set) var identity: UInt64?
  var seconds: Double?
  /// Whether the flow passed; nil where a field mask left the verdict out.
  var isForwarded: Bool?
  /// Nil where Hubble does not know.
  var isReply: Bool?
  var source: End?
  var destination: End?
  /// Where the packet was seen, and in which direction of which end.
  var point = ""
  var direction = ""
  var evidence = Evidence.packet

  init(_ cursor: inout JSONCursor) throws(TrafficError) {
    var sourceNames: JSONCursor?
    var destinationNames: JSONCursor?
    var sourceEnd: HubbleEndpoint?
    var destinationEnd: HubbleEndpoint?
    let start = cursor
    var uuid: JSONText?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "uuid": uuid = try cursor.text()
      case "time": seconds = try readTimestamp(&cursor)
      case "verdict":
        isForwarded = try readVerdict(&cursor)
      case "is_reply": isReply = try cursor.boolean()
      case "reply":
        let reply = try cursor.boolean()
        isReply = isReply ?? reply
      case "trace_observation_point": point = try readName(&cursor)
      case "traffic_direction": direction = try readName(&cursor)
      case "source": sourceEnd = try HubbleEndpoint(&cursor)
      case "destination": destinationEnd = try HubbleEndpoint(&cursor)
      case "source_names":
        sourceNames = cursor
        try cursor.skip()
      case "destination_names":
        destinationNames = cursor
        try cursor.skip()
      case "l4": try readLayer4(&cursor)
      case "l7": try readLayer7(&cursor)
      default: try cursor.skip()
      }
    }
    if let uuid {
      // Older versions give one id to all that is seen of a packet.
      let place = "\(point) \(direction) \(seconds ?? 0)"
      identity = fingerprint(uuid.raw, seed: fingerprint(place))
    } else if seconds != nil {
      identity = fingerprint(start.bytes(to: cursor))
    }
    source = sourceEnd?.end(dnsName: try firstName(sourceNames))
    destination = destinationEnd?.end(dnsName: try firstName(destinationNames))
  }

  /// Whether a flow with this verdict passed. With AUDIT a policy would have denied it if it were enforced; REDIRECTED is
  /// to a proxy on its way. Older versions write the enumeration's number.
  private func readVerdict(_ cursor: inout JSONCursor) throws(TrafficError) -> Bool {
    if cursor.kind() == .number { return [1, 4, 5].contains(try cursor.number()) }
    switch try cursor.text() {
    case "FORWARDED", "AUDIT", "REDIRECTED": return true
    default: return false
    }
  }

  private func readName(_ cursor: inout JSONCursor) throws(TrafficError) -> String {
    if cursor.kind() == .string { return try cursor.string() }
    try cursor.skip()
    return ""
  }

  private func firstName(_ names: JSONCursor?) throws(TrafficError) -> String? {
    guard var cursor = names else { return nil }
    try cursor.beginArray()
    return try cursor.nextElement() ? try cursor.string() : nil
  }

  /// Finds the flags of `{"TCP": {"flags": {"SYN": true, …}}}`.
  private mutating func readLayer4(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      guard key == "TCP" else {
        try cursor.skip()
        continue
      }
      var isSYN = false
      var isACK = false
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        guard key == "flags" else {
          try cursor.skip()
          continue
        }
        try cursor.beginObject()
        while let flag = try cursor.nextKey() {
          switch flag {
          case "SYN": isSYN = try cursor.boolean()
          case "ACK": isACK = try cursor.boolean()
          default: try cursor.skip()
          }
        }
      }
      if isSYN, evidence == .packet {
        evidence = .connection
        // A SYN goes to the server; its answer has ACK as well. That holds where Hubble does not know the direction.
        isReply = isReply ?? isACK
      }
    }
  }

  private mutating func readLayer7(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      guard key == "type", cursor.kind() == .string else {
        try cursor.skip()
        continue
      }
      let type = try cursor.text()
      evidence = .request
      isReply = !(type == "REQUEST")
    }
  }
}

/// Reads a time as RFC 3339 writes it, or as `{"seconds": …, "nanos": …}`, in seconds since 1970.
func readTimestamp(_ cursor: inout JSONCursor) throws(TrafficError) -> Double {
  if cursor.kind() == .object {
    var time = 0.0
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "seconds": time += try cursor.numberOrText()
      case "nanos": time += try cursor.numberOrText() * 1e-9
      default: try cursor.skip()
      }
    }
    return time
  }
  let start = cursor
  let text = try cursor.text()
  guard let time = rfc3339(text.raw) else { throw start.unexpected("a time such as 2024-05-01T12:00:00.5Z") }
  return time
}
