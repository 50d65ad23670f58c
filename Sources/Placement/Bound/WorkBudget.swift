/// How much work a proof may still do, and whether it is told to stop.
final class WorkBudget {
  private var left: Int
  private let shouldStop: () -> Bool

  /// Makes a budget; without `work` it lasts until `shouldStop` says so.
  init(work: Int? = nil, shouldStop: @escaping () -> Bool = { false }) {
    left = work ?? .max
    self.shouldStop = shouldStop
  }

  /// Notes work done.
  func spend(_ work: Int) { left -= min(left, work) }

  var isSpent: Bool { left <= 0 || shouldStop() }
}
