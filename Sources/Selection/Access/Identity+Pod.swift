extension Identity.Pod: CustomStringConvertible {
  /// `namespace/name`.
  package var description: String { "\(namespace)/\(name)" }
}

extension Identity.Pod {
  /// What is wrong with it: which field, what was found and what was expected; nil where nothing is.
  package var fault: String? {
    func fault(_ field: String, _ value: String, _ isValid: Bool, _ expected: String) -> String? {
      isValid ? nil : "\(field) of \(value.utf8.count) bytes: expected \(expected)"
    }
    return fault("namespace", namespace, namespace.isLabel, "a DNS label of at most 63")
      ?? fault("name", name, name.isSubdomain, "a DNS subdomain of at most 253")
      ?? fault("uid", uid, uid.isPodUID, "at most 64 lower-case letters, digits and hyphens")
      ?? fault("serviceAccount", serviceAccount, serviceAccount.isSubdomain, "a DNS subdomain of at most 253")
  }
}

extension String {
  /// Whether it is a uid as kubelet gives them: lower-case letters, digits and hyphens, safe as a file's name.
  package var isPodUID: Bool { isName(longest: 64, dots: false) }
  /// Whether it is a label of DNS, as the names of namespaces are.
  package var isLabel: Bool { isName(longest: 63, dots: false) }
  /// Whether it is a subdomain of DNS, as the names of pods and service accounts are.
  package var isSubdomain: Bool { isName(longest: 253, dots: true) }

  private func isName(longest: Int, dots: Bool) -> Bool {
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
    guard (1...longest).contains(utf8.count), utf8.first.map(isAlphanumeric) == true,
      utf8.last.map(isAlphanumeric) == true
    else { return false }
    return utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || dots && $0 == UInt8(ascii: ".") }
  }
}
