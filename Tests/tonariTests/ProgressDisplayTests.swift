import Placement
import Testing

@testable import tonari

@Suite("Progress")
struct ProgressDisplayTests {
  static func progress(_ i: Int, objective: Double) -> SolverProgress {
    SolverProgress(
      phase: "search",
      elapsed: .milliseconds(i),
      objective: objective,
      localizedShare: nil,
      lowerBound: 0
    )
  }

  @Test("is kept where it says something new")
  func news() {
    let display = ProgressDisplay(.none)
    for i in 0..<10 { display.show(Self.progress(i, objective: Double(9 - i / 5))) }
    #expect(display.history.map(\.elapsed) == [.milliseconds(0), .milliseconds(5)])
  }

  @Test("that goes on for days is thinned out, from its first to its last")
  func thinned() {
    let display = ProgressDisplay(.none)
    for i in 0..<20_000 { display.show(Self.progress(i, objective: Double(20_000 - i))) }
    let history = display.history
    #expect(history.count < 4096)
    #expect(history.first?.elapsed == .zero)
    #expect(history.last?.elapsed == .milliseconds(19_999))
    #expect(zip(history, history.dropFirst()).allSatisfy { $0.elapsed < $1.elapsed })
  }
}
