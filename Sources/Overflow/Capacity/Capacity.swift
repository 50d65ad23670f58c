/// What a service of a cluster can bear.
public enum Capacity: Hashable, Sendable {
  /// Requests per minute, however many pods there are: `RPMmax`.
  case perMinute(Double)
  /// Requests per minute for each pod that is ready, so that it follows an autoscaler.
  case perPod(perMinute: Double)

  /// Requests per minute with so many pods ready; never below 0.
  public func perMinute(readyPods: Int) -> Double {
    switch self {
    case .perMinute(let rate): max(0, rate)
    case .perPod(let rate): max(0, rate) * Double(max(0, readyPods))
    }
  }
}
