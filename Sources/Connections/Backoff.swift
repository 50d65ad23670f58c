/// How long to wait between tries: each time longer, with jitter, so that many clients do not try in step.
///
/// Decorrelated jitter: each wait is drawn evenly between the shortest and three times the one before, and cut to the
/// longest (Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
package struct Backoff: Hashable, Sendable {
  /// The shortest wait.
  package let shortest: Duration
  /// The longest wait.
  package let longest: Duration
  private var previous: Duration

  /// Makes a backoff; by default as Kubernetes' own clients have it.
  package init(shortest: Duration = .milliseconds(800), longest: Duration = .seconds(30)) {
    self.shortest = shortest
    self.longest = max(shortest, longest)
    previous = shortest
  }

  /// The next wait.
  package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
    let range = previous * 3 - shortest
    previous = min(longest, shortest + range * Double.random(in: 0...1, using: &generator))
    return previous
  }

  /// Starts again with short waits, after a success.
  package mutating func reset() { previous = shortest }
}
