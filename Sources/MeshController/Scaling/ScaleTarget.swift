/// What makes pods and can be scaled: pods are named for it, with what makes them one of several behind it.
struct ScaleTarget: Hashable, Sendable {
  /// How the pods of a kind are named.
  enum Kind: Hashable, Sendable {
    /// `name-hash-random`, where the hash is that of the pods' template.
    case deployment
    /// `name-number`.
    case statefulSet
    /// Either as those of a Deployment or `name-random`.
    case other

    /// - Parameter kind: the kind's name.
    init(_ kind: String) {
      switch kind {
      case "Deployment": self = .deployment
      case "StatefulSet": self = .statefulSet
      default: self = .other
      }
    }
  }

  var namespace: String
  var kind: Kind
  var name: String

  /// All that a pod of a name may be made by.
  static func all(ofPod pod: String, in namespace: String) -> [ScaleTarget] {
    guard let (maker, suffix) = split(pod[...]) else { return [] }
    func target(_ kind: Kind, _ name: Substring) -> ScaleTarget {
      ScaleTarget(namespace: namespace, kind: kind, name: String(name))
    }
    var targets: [ScaleTarget] = []
    if suffix.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
      targets.append(target(.statefulSet, maker))
    }
    guard suffix.count == 5, isRandom(suffix) else { return targets }
    targets.append(target(.other, maker))
    guard let (owner, hash) = split(maker), hashLengths ~= hash.count, isRandom(hash) else { return targets }
    return targets + [target(.deployment, owner), target(.other, owner)]
  }

  /// A name before its last dash, and what is behind it; nil where either is empty.
  private static func split(_ name: Substring) -> (Substring, Substring)? {
    guard let dash = name.lastIndex(of: "-") else { return nil }
    let parts = (name[..<dash], name[name.index(after: dash)...])
    return parts.0.isEmpty || parts.1.isEmpty ? nil : parts
  }

  /// A template's hash is a number of 32 bits in decimal digits, each written as a letter. Not one in ten thousand is
  /// shorter than six: what is, such as in `cart-db-x7k2p`, is part of a name.
  private static let hashLengths = 6...10

  /// Whether a text is made of what Kubernetes writes random names and hashes of: no vowels, so that they make no words.
  private static func isRandom(_ text: Substring) -> Bool { text.utf8.allSatisfy(alphabet.contains) }

  private static let alphabet = Set("bcdfghjklmnpqrstvwxz2456789".utf8)
}
