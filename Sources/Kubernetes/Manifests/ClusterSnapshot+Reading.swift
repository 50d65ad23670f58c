import Formats

extension ClusterSnapshot {
  /// Reads one input and adds its objects: a JSON `List` (or `NodeList`, `PodList`, …), single JSON objects one after
  /// the other, or YAML of any number of documents. Which it is, its content tells.
  ///
  /// - Parameters:
  ///   - bytes: the whole input.
  ///   - source: what errors call the input: a file's name.
  ///
  /// Throws ``ManifestError`` at the first thing that is wrong; objects before it have been added then.
  package mutating func read(_ bytes: [UInt8], source: String) throws(ManifestError) {
    let result = bytes.withUnsafeBufferPointer { bytes in
      Result { () throws(ManifestError) in try read(bytes, source: source) }
    }
    try result.get()
  }

  private mutating func read(_ input: UnsafeBufferPointer<UInt8>, source: String) throws(ManifestError) {
    let byteOrderMark = input.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let bytes = UnsafeBufferPointer(rebasing: input[byteOrderMark...])
    var scanner = JSONScanner(bytes)
    scanner.skipSpace()
    switch scanner.next {
    case nil:
      throw ManifestError(
        code: .syntax,
        source: source,
        message: "found an empty input, expected Kubernetes objects"
      )
    case UInt8(ascii: "{") where !Self.hasSeparator(bytes), UInt8(ascii: "[") where !Self.hasSeparator(bytes):
      while scanner.next != nil {
        let input = ManifestFragment.Input(source: source, json: bytes)
        try read(ManifestFragment(of: input, passing: &scanner))
        scanner.skipSpace()
      }
    default:
      try readYAML(bytes, source: source)
    }
  }

  /// Whether a line starts with `---`, which only YAML has: JSON's strings have no line breaks.
  private static func hasSeparator(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var rest = bytes[...]
    while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
      rest = rest[(newline + 1)...]
      if rest.starts(with: "---".utf8) { return true }
    }
    return false
  }

  private mutating func readYAML(_ bytes: UnsafeBufferPointer<UInt8>, source: String) throws(ManifestError) {
    var transcoder = YAMLTranscoder(bytes)
    while true {
      let document: YAMLTranscoder.Document?
      do {
        document = try transcoder.next()
      } catch {
        throw ManifestError(code: .syntax, source: source, line: error.line, message: error.message)
      }
      guard let document else { return }
      let result = document.json.withUnsafeBufferPointer { json in
        Result { () throws(ManifestError) in
          var scanner = JSONScanner(json)
          // Between separators there may be nothing, or comments alone.
          if scanner.holds("null", in: json.indices) { return }
          let input = ManifestFragment.Input(source: source, json: json, yamlLine: document.line)
          try read(ManifestFragment(of: input, passing: &scanner))
        }
      }
      try result.get()
    }
  }

  /// Adds what one JSON value holds: an object, or the items of a list.
  private mutating func read(_ fragment: ManifestFragment) throws(ManifestError) {
    if let items = fragment.items {
      for index in items.indices {
        try read(fragment.item(index))
      }
      return
    }
    guard let kind = fragment.kind else {
      throw fragment.error("found nothing, expected a kind such as Node, Pod or List", field: "kind")
    }
    if kind == "Status" { return try refuse(fragment.decode(APIStatus.self), in: fragment) }
    let group = fragment.apiVersion.map { $0.contains("/") ? String($0.prefix { $0 != "/" }) : "" }
    guard let type = Self.types[kind], group.map(type.groups.contains) ?? true else {
      skip(group.map { $0.contains(".") && !$0.hasSuffix(".k8s.io") ? "\(kind).\($0)" : kind } ?? kind)
      return
    }
    try add(type, from: fragment)
  }

  /// Throws where the API server refused what was asked for, so that the input lacks it.
  private func refuse(_ status: APIStatus, in fragment: ManifestFragment) throws(ManifestError) {
    guard status.status != "Success" else { return }
    let why = [status.reason, status.message].compactMap { $0?.isEmpty == false ? $0 : nil }.joined(separator: ": ")
    throw fragment.error("found the answer to a request that failed (\(why)), expected the objects that it asked for")
  }

  private mutating func add<Object: ClusterObject>(
    _ type: Object.Type, from fragment: ManifestFragment
  ) throws(ManifestError) {
    try add(fragment.decode(type), source: fragment.input.source)
  }

  // unique: each kind is in the list once.
  private static let types = Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind, $0) })
}
