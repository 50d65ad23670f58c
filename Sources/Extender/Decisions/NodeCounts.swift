/// How many replicas of something each node holds; nodes without any are left out.
struct NodeCounts: Hashable, Sendable {
  /// Replicas on one node.
  struct Entry: Hashable, Sendable {
    /// The node's number.
    var node: Int
    /// How many; positive.
    var count: Int
  }

  /// The nodes that hold some, by number.
  private(set) var entries: [Entry] = []
  /// How many there are on all nodes.
  private(set) var total = 0

  /// How many a node holds.
  subscript(node: Int) -> Int {
    let place = place(of: node)
    return place < entries.count && entries[place].node == node ? entries[place].count : 0
  }

  /// Adds replicas to a node, or takes them away.
  mutating func add(_ count: Int, on node: Int) {
    let place = place(of: node)
    total += count
    guard place < entries.count, entries[place].node == node else {
      entries.insert(Entry(node: node, count: count), at: place)
      return
    }
    entries[place].count += count
    if entries[place].count == 0 { entries.remove(at: place) }
  }

  /// Where a node is among the entries, or would be.
  private func place(of node: Int) -> Int {
    var range = 0..<entries.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if entries[middle].node < node {
        range = (middle + 1)..<range.upperBound
      } else {
        range = range.lowerBound..<middle
      }
    }
    return range.lowerBound
  }
}
