/// Whether of some names one comes twice. Names of equal hashes count as equal, so that it may be there though none does.
package struct RepeatedNames {
  private var hashes: [Int] = []
  private var known: Set<Int> = []
  private(set) var areThere = false

  /// So many are compared one by one.
  private static let few = 16

  /// Takes the name in a range of bytes.
  mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, _ name: Range<Int>) {
    guard !areThere else { return }
    var hasher = Hasher()
    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[name]))
    let hash = hasher.finalize()
    if hashes.count < Self.few {
      areThere = hashes.contains(hash)
      hashes.append(hash)
    } else {
      if known.isEmpty { known = Set(hashes) }
      areThere = !known.insert(hash).inserted
    }
  }
}

/// Objects in which a name comes twice, which JSON leaves open and of which Kubernetes takes the last.
extension JSONScanner {
  private struct Name: Hashable {
    let bytes: UnsafeRawBufferPointer

    static func == (a: Name, b: Name) -> Bool { a.bytes.elementsEqual(b.bytes) }
    func hash(into hasher: inout Hasher) { hasher.combine(bytes: bytes) }
  }

  /// Passes an object, and answers its fields in the order in which their names come first: of each name, the last.
  mutating func lastFields(depth: Int = 0) throws(SyntaxError) -> [(name: Range<Int>, value: Range<Int>)] {
    var fields: [(name: Range<Int>, value: Range<Int>)] = []
    var places: [Name: Int] = [:]
    let text = UnsafeRawBufferPointer(bytes)
    try skipObject(depth: depth) { scanner, key throws(SyntaxError) in
      let start = scanner.position
      try scanner.skipValue(depth: depth + 1)
      let value = start..<scanner.position
      let name = Name(bytes: UnsafeRawBufferPointer(rebasing: text[key]))
      if let place = places[name] {
        fields[place].value = value
      } else {
        places[name] = fields.count
        fields.append((key, value))
      }
    }
    return fields
  }

  /// Passes a value, and answers whether an object in it may have two fields of one name.
  package mutating func skipFindingRepeats(depth: Int = 0) throws(SyntaxError) -> Bool {
    skipSpace()
    var isFound = false
    switch next {
    case UInt8(ascii: "{"):
      var names = RepeatedNames()
      let text = bytes
      try skipObject(depth: depth) { scanner, name throws(SyntaxError) in
        names.add(text, name)
        if try scanner.skipFindingRepeats(depth: depth + 1) { isFound = true }
      }
      return isFound || names.areThere
    case UInt8(ascii: "["):
      try skipArray(depth: depth) { scanner throws(SyntaxError) in
        if try scanner.skipFindingRepeats(depth: depth + 1) { isFound = true }
      }
      return isFound
    default:
      try skipValue(depth: depth)
      return false
    }
  }

  /// Passes a value and writes it; of an object's fields of one name, the last.
  package mutating func copyLastFields(to json: inout [UInt8], depth: Int = 0) throws(SyntaxError) {
    skipSpace()
    var isFirst = true
    func separate() {
      if !isFirst { json.append(UInt8(ascii: ",")) }
      isFirst = false
    }
    switch next {
    case UInt8(ascii: "{"):
      json.append(UInt8(ascii: "{"))
      for field in try lastFields(depth: depth) {
        separate()
        json += bytes[(field.name.lowerBound - 1)...field.name.upperBound]
        json.append(UInt8(ascii: ":"))
        var scanner = JSONScanner(bytes, at: field.value.lowerBound)
        try scanner.copyLastFields(to: &json, depth: depth + 1)
      }
      json.append(UInt8(ascii: "}"))
    case UInt8(ascii: "["):
      json.append(UInt8(ascii: "["))
      try skipArray(depth: depth) { scanner throws(SyntaxError) in
        separate()
        try scanner.copyLastFields(to: &json, depth: depth + 1)
      }
      json.append(UInt8(ascii: "]"))
    default:
      let start = position
      try skipValue(depth: depth)
      json += bytes[start..<position]
    }
  }
}
