import Overflow

extension Autoscaler {
  /// Several autoscalers of one service as one: its pods are all of theirs, and it asks for more where one does that still
  /// may. Nil for none.
  init?(together all: [Autoscaler]) {
    guard let first = all.first else { return nil }
    guard all.count > 1 else {
      self = first
      return
    }
    func sum(_ values: [Int]) -> Int { values.reduce(0) { $0 + min(max(0, $1), Int.max - $0) } }
    // One that has its most pods, or wants fewer, does not speak for the others.
    let open = all.filter { $0.current < $0.most }
    let current = sum(all.map(\.current))
    let more = open.map { $0.desired > $0.current ? min($0.desired, $0.most) - $0.current : 0 }
    let names = all.prefix(3).map(\.name) + (all.count > 3 ? ["\(all.count - 3) more"] : [])
    self.init(
      name: names.joined(separator: " and "), current: current, desired: sum([current] + more),
      most: sum(all.map(\.most)), metrics: open.flatMap(\.metrics))
  }
}
