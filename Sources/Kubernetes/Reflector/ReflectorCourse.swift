import Connections
import Formats

/// What a reflector does next: list, or watch from where it has come to, and how long it waits before. It has no I/O and
/// no clock.
struct ReflectorCourse {
  /// What is to be done.
  enum Step: Hashable {
    /// Read a fresh list.
    case list
    /// Watch what changes after a version.
    case watch(from: String)
  }

  /// After how many answers in a row that make no sense a watch is given up for a fresh list. The version may be one
  /// that the API server does not know any more, or not yet.
  private static let patience = 3
  /// A watch that ends sooner, and without having told anything, counts as failed.
  private static let shortestWatch = Duration.seconds(1)

  private(set) var step = Step.list
  private var backoff: Backoff
  /// Whether a watch has told anything since the last list.
  private var hasProgressed = false
  /// How often in a row a watch was refused or made no sense.
  private var refusals = 0

  init(backoff: Backoff) {
    self.backoff = backoff
  }

  /// A list has been read.
  mutating func listed(at resourceVersion: String) {
    step = .watch(from: resourceVersion)
    hasProgressed = false
    refusals = 0
  }

  /// A watch has told something.
  mutating func progressed(to resourceVersion: String) {
    if !resourceVersion.isEmpty { step = .watch(from: resourceVersion) }
    hasProgressed = true
    refusals = 0
    backoff.reset()
  }

  /// A watch has ended in good order, after it lasted for a while and told something or not. Answers how long to wait.
  mutating func ended(
    after duration: Duration, hasProgressed: Bool, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    guard hasProgressed || duration >= Self.shortestWatch else { return backoff.next(using: &generator) }
    refusals = 0
    backoff.reset()
    return .zero
  }

  /// The step has failed. Answers how long to wait before the next.
  mutating func failed(_ error: APIError, using generator: inout some RandomNumberGenerator) -> Duration {
    guard case .watch = step else { return wait(for: error, using: &generator) }
    if error.isExpired {
      step = .list
      // A version that is too old as soon as it was listed is not to make lists follow each other without a pause.
      return hasProgressed ? .zero : wait(for: error, using: &generator)
    }
    if error.code == .refused || error.code == .invalidResponse { refusals += 1 }
    if refusals >= Self.patience {
      step = .list
      refusals = 0
    }
    return wait(for: error, using: &generator)
  }

  private mutating func wait(
    for error: APIError, using generator: inout some RandomNumberGenerator
  ) -> Duration {
    max(backoff.next(using: &generator), min(error.retryAfter ?? .zero, .seconds(120)))
  }
}
