@testable import Placement

extension PatternTier {
  /// Calls `body` with every pattern that a bin of a group can hold.
  func forEachPattern(of group: Group, _ body: ([Int32]) -> Void) {
    var counts = Array(repeating: Int32(0), count: itemCount)
    func choose(_ item: Int) {
      if item == itemCount {
        let clashes = conflicts.contains { counts[$0] > 0 && counts[$1] > 0 }
        if Pattern(counts, self).fits(group) && !clashes { body(counts) }
        return
      }
      for count in 0...group.limits[item] {
        counts[item] = Int32(count)
        choose(item + 1)
      }
      counts[item] = 0
    }
    choose(0)
  }
}
