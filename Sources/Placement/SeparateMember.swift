internal import Foundation
import Synchronization

/// A member that works on a thread of its own, while its worker waits.
///
/// GLPK keeps the programs of a thread together: where one is abandoned in the middle of an LP, or fails, all are lost.
/// A member that keeps programs from cycle to cycle is therefore kept apart from those that abandon theirs.
final class SeparateMember: Portfolio.Member {
  private let line = Line()

  /// - Parameter make: makes the member, on the new thread.
  init(_ make: @escaping @Sendable () -> any Portfolio.Member) {
    let line = line
    let thread = Thread {
      let member = make()
      while let question = line.next() {
        question(member)
        line.answered.signal()
      }
    }
    thread.name = "tonari-proof"
    thread.stackSize = 64 << 20
    thread.start()
  }

  deinit { line.close() }

  var phase: String { ask { $0.phase } }

  func share(inCycle cycle: Int) -> Double { ask { $0.share(inCycle: cycle) } }

  func work(_ slice: WorkSlice, cycle: Int, best: Portfolio.Best) -> Portfolio.Finding {
    ask { $0.work(slice, cycle: cycle, best: best) }
  }

  private func ask<Answer: Sendable>(_ question: @escaping @Sendable (any Portfolio.Member) -> Answer) -> Answer {
    let answer = Box<Answer>()
    line.put { member in
      let result = question(member)
      answer.value.withLock { $0 = result }
    }
    line.answered.wait()
    guard let result = answer.value.withLock({ $0 }) else { preconditionFailure("asked, but not answered") }
    return result
  }
}

/// Takes one value from a thread to another.
private final class Box<Value: Sendable>: Sendable {
  let value = Mutex<Value?>(nil)
}

/// One question at a time, from the worker to the member's thread.
private final class Line: Sendable {
  typealias Question = @Sendable (any Portfolio.Member) -> Void

  private let question = Mutex<Question?>(nil)
  private let asked = DispatchSemaphore(value: 0)
  let answered = DispatchSemaphore(value: 0)

  func put(_ question: @escaping Question) {
    self.question.withLock { $0 = question }
    asked.signal()
  }

  /// Waits for the next question; nil where there is none to come.
  func next() -> Question? {
    asked.wait()
    return question.withLock { question in
      defer { question = nil }
      return question
    }
  }

  func close() { asked.signal() }
}
