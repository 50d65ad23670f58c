import Placement
import Testing

@testable import Report

@Suite("Progress line")
struct ProgressLineTests {
  private let progress = SolverProgress(
    phase: "local search", elapsed: .milliseconds(9800), objective: 1_560_000, localizedShare: 0.842,
    lowerBound: 1_510_000)

  @Test("Says where the solver stands")
  func full() {
    #expect(
      ProgressLine(style: TerminalStyle()).render(progress)
        == "9.8 s  local search  localized 84.2 %  objective 1.56 M  bound 1.51 M  gap 3.2 %")
  }

  @Test("Before there is a placement it shows the bound alone")
  func early() {
    let early = SolverProgress(
      phase: "construction", elapsed: .zero, objective: nil, localizedShare: nil, lowerBound: 0)
    #expect(ProgressLine(style: TerminalStyle()).render(early) == "0 ms  construction  bound 0")
  }

  @Test("Is never wider than the terminal, and gives up what matters least first")
  func narrow() {
    for width in 0...90 {
      let line = ProgressLine(style: TerminalStyle(width: width)).render(progress)
      #expect(line.displayWidth <= width)
    }
    #expect(ProgressLine(style: TerminalStyle(width: 40)).render(progress) == "9.8 s  localized 84.2 %  gap 3.2 %")
    #expect(ProgressLine(style: TerminalStyle(width: 9)).render(progress) == "gap 3.2 %")
  }

  @Test("A phase cannot smuggle in control codes")
  func hostile() {
    var hostile = progress
    hostile.phase = "a\u{1B}[2J\nb"
    let line = ProgressLine(style: TerminalStyle()).render(hostile)
    #expect(!line.unicodeScalars.contains { $0.value < 0x20 })
  }
}
