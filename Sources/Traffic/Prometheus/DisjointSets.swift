/// Sets of numbers that have none in common, and are united step by step.
struct DisjointSets {
  private var parents: [Int] = []

  /// The numbers that there are.
  var indices: Range<Int> { parents.indices }

  /// Adds the next number, in a set of its own.
  mutating func add() -> Int {
    parents.append(parents.count)
    return parents.count - 1
  }

  /// The number that stands for the set of another.
  mutating func root(of number: Int) -> Int {
    var number = number
    while parents[number] != number {
      parents[number] = parents[parents[number]]
      number = parents[number]
    }
    return number
  }

  /// Makes one set of those of two numbers.
  mutating func unite(_ a: Int, _ b: Int) {
    let (first, second) = (root(of: a), root(of: b))
    // The lower number stands for both, so that it does not depend on the order.
    parents[max(first, second)] = min(first, second)
  }
}
