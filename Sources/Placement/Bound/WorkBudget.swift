/// How much work a proof may still do, and whether it is told to stop.
final class WorkBudget {
  private let work: Int
  private(set) var spent = 0
  private let shouldStop: () -> Bool

  /// Makes a budget; without `work` it lasts until `shouldStop` says so.
  init(work: Int? = nil, shouldStop: @escaping () -> Bool = { false }) {
    self.work = work ?? .max
    self.shouldStop = shouldStop
  }

  /// Notes work done.
  func spend(_ work: Int) { spent += min(self.work - spent, work) }

  var isSpent: Bool { spent >= work || shouldStop() }
}
