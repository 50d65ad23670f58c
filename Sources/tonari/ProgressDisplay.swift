import Foundation
import Placement
import Report
import Synchronization

/// Shows on standard error where reading and solving stand, and keeps the solver's history for the report.
///
/// Any thread may tell it.
final class ProgressDisplay: Sendable {
  /// How progress is shown.
  enum Mode: Sendable {
    /// One line, drawn over and over.
    case line(ProgressLine)
    /// A JSON object a line.
    case json
    /// Not at all.
    case none
  }

  private struct State {
    var history: [SolverProgress] = []
    var isLineDrawn = false
  }

  /// Where the history gets this long, every other entry of it goes.
  private static let historyLimit = 4096

  private let mode: Mode
  private let state = Mutex(State())

  init(_ mode: Mode) {
    self.mode = mode
  }

  /// All changes of the objective or the bound so far, oldest first.
  var history: [SolverProgress] { state.withLock { $0.history } }

  /// Shows where the solver stands.
  func show(_ progress: SolverProgress) {
    state.withLock { state in
      let isNews = state.history.last.map { !$0.saysTheSame(as: progress) } ?? true
      if isNews {
        state.history.append(progress)
        if state.history.count >= Self.historyLimit {
          let last = state.history.count - 1
          state.history = state.history.enumerated().filter { $0.offset.isMultiple(of: 2) || $0.offset == last }
            .map(\.element)
        }
      }
      switch mode {
      case .line(let line):
        Terminal.messages.write(line.render(progress), after: .clearLine)
        state.isLineDrawn = true
      case .json:
        if isNews, let line = try? Self.json(progress) { Terminal.messages.write(line + "\n") }
      case .none:
        break
      }
    }
  }

  /// Shows how much of an input is read; on a terminal only.
  func show(reading name: String, share: Double?) {
    guard case .line(let line) = mode else { return }
    state.withLock { state in
      let text = "reading \(name)" + (share.map { "  \(Human.percent($0))" } ?? "")
      Terminal.messages.write(String(text.printable.prefix(line.style.width ?? .max)), after: .clearLine)
      state.isLineDrawn = true
    }
  }

  /// Takes the line away, so that the next output begins at its start.
  func clear() {
    state.withLock { state in
      if state.isLineDrawn { Terminal.messages.write("", after: .clearLine) }
      state.isLineDrawn = false
    }
  }

  private struct Line: Encodable {
    var phase: String
    var seconds: Double
    var objective: Double?
    var lowerBound: Double
    var localizedShare: Double?
  }

  private static func json(_ progress: SolverProgress) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let line = Line(
      phase: progress.phase,
      seconds: progress.elapsed / .seconds(1),
      objective: progress.objective,
      lowerBound: progress.lowerBound,
      localizedShare: progress.localizedShare
    )
    return String(decoding: try encoder.encode(line), as: UTF8.self)
  }
}

extension SolverProgress {
  fileprivate func saysTheSame(as other: SolverProgress) -> Bool {
    objective == other.objective && lowerBound == other.lowerBound
  }
}
