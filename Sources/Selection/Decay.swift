/// Forgetting at an even pace: what is `age` old counts `e^(−age/τ)`.
///
/// The exponential is approximated by `1 / (1 + x + x²/2 + x³/6)`, which falls steadily from 1 to 0, is right to 0.02 %
/// up to τ/4 and errs by remembering a little more of what is old. It costs a division instead of a call.
struct Decay: Sendable {
  let tau: Double
  let inverse: Double

  /// Makes a decay with a time constant in seconds, above zero.
  init(tau: Double) {
    precondition(tau > 0, "a time constant is above zero")
    self.tau = tau
    inverse = 1 / tau
  }

  /// Makes a decay with a time constant.
  init(_ tau: Duration) {
    self.init(tau: max(1e-9, tau / .seconds(1)))
  }

  /// How much of something is left after some seconds; all of it where time did not pass.
  func left(after seconds: Double) -> Double {
    let x = max(0, seconds * inverse)
    return 1 / (1 + x * (1 + x * (0.5 + x * (1.0 / 6))))
  }
}
