/// Short forms of node names: nodes of one cluster often differ only in a few letters in between.
struct NodeLabels {
  private let names: [String]
  private let prefix: Int
  private let suffix: Int

  init(_ names: [String]) {
    let names = names.map(\.printable)
    self.names = names
    guard names.count > 1, let first = names.first, let shortest = names.map(\.count).min() else {
      (prefix, suffix) = (0, 0)
      return
    }
    let characters = names.map(Array.init)
    let common = Array(first)
    var prefix = 0
    while prefix < shortest, characters.allSatisfy({ $0[prefix] == common[prefix] }) { prefix += 1 }
    // Whole parts only, so that what is left reads as a word.
    while prefix > 0, !Self.isSeparator(common[prefix - 1]) { prefix -= 1 }
    var suffix = 0
    while suffix < shortest - prefix,
      characters.allSatisfy({ $0[$0.count - 1 - suffix] == common[common.count - 1 - suffix] })
    {
      suffix += 1
    }
    while suffix > 0, !Self.isSeparator(common[common.count - suffix]) { suffix -= 1 }
    self.prefix = prefix
    self.suffix = suffix
  }

  private static func isSeparator(_ character: Character) -> Bool { "-._".contains(character) }

  /// The name of a node in at most so many columns: in full, without what all share, or cut.
  func label(_ n: Int, within width: Int) -> String {
    guard names[n].displayWidth > width else { return names[n] }
    return String(names[n].dropFirst(prefix).dropLast(suffix)).truncatedInMiddle(to: width)
  }
}
