import Foundation
import Model

/// A pod at work.
struct SimulatedPod: Sendable {
  /// What becomes of a request that comes.
  enum Arrival {
    /// It is worked on for so many seconds.
    case started(seconds: Double)
    case waits
    case rejected
  }

  private let model: PodModel
  private var generator: SeededGenerator
  private var busy = 0
  private var waiting: [Int] = []
  private var head = 0

  init(_ model: PodModel, seed: UInt64) {
    self.model = model
    generator = SeededGenerator(seed: seed)
  }

  private var queued: Int { waiting.count - head }

  mutating func take(_ request: Int) -> Arrival {
    if busy < model.workers {
      busy += 1
      return .started(seconds: work())
    }
    guard queued < model.queue else { return .rejected }
    waiting.append(request)
    return .waits
  }

  /// A worker is done. Answers the request that it starts on next, if any waits, and the seconds that takes.
  mutating func next() -> (request: Int, seconds: Double)? {
    guard queued > 0 else {
      busy -= 1
      return nil
    }
    let request = waiting[head]
    head += 1
    if head > 1024 {
      waiting.removeFirst(head)
      head = 0
    }
    return (request, work())
  }

  private mutating func work() -> Double {
    let product = (0..<PodModel.order).reduce(1.0) { product, _ in product * (1 - generator.unit()) }
    let seconds = -log(product) * model.workSeconds / Double(PodModel.order)
    return seconds * (1 + model.contention * Double(queued))
  }
}
