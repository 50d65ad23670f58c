import Model

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A share of the search's budget: so much time, or so much work, whichever is given.
///
/// Work makes a run repeatable, time makes it fit.
struct WorkSlice: Sendable {
  private let context: SolverContext
  private let start: Duration
  private let end: Duration?
  /// After how many proposals the slice ends; nil where the clock alone says.
  let work: Int?
  private(set) var spent = 0
  private let isOver: @Sendable () -> Bool

  /// Makes a slice.
  ///
  /// - Parameters:
  ///   - end: when to stop, by the context's clock.
  ///   - work: after how many proposals to stop.
  ///   - isOver: whether the whole search has ended meanwhile.
  init(_ context: SolverContext, end: Duration?, work: Int?, isOver: @escaping @Sendable () -> Bool) {
    self.context = context
    self.start = context.elapsed()
    self.end = end
    self.work = work
    self.isOver = isOver
  }

  /// How much of the slice has passed, in `0 ..< 1`; nil when it is over.
  func fraction() -> Double? {
    if context.isCancelled() || isOver() { return nil }
    var fraction = 0.0
    if let work { fraction = Double(spent) / Double(work) }
    if let end {
      let total = end - start
      guard total > .zero else { return nil }
      let passed = (context.elapsed() - start) / total
      // Where work is given, time is only the emergency brake.
      if work == nil { fraction = passed } else if passed >= 1 { return nil }
    }
    return fraction < 1 ? fraction : nil
  }

  /// What is left of the slice up to a part of it, as a slice of its own.
  func rest(upTo fraction: Double) -> WorkSlice {
    WorkSlice(
      context, end: work == nil ? end.map { start + ($0 - start) * fraction } : end,
      work: work.map { max(0, Int(saturating: Double($0) * fraction) - spent) }, isOver: isOver)
  }

  /// Notes work done.
  mutating func spend(_ proposals: Int) { spent += proposals }
}

/// `base` to the power of `exponent`.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
