public import Kubernetes
public import Monitoring

/// How a reflector stands.
public struct ReflectorHealth<Value: Sendable>: HealthSource {
  private let reflector: Reflector<Value>
  private let isOptional: Bool

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - reflector: what is asked.
  ///   - isOptional: whether the daemon does without the resource where the cluster does not have it.
  public init(_ reflector: Reflector<Value>, isOptional: Bool = false) {
    self.reflector = reflector
    self.isOptional = isOptional
  }

  /// Ready once there was a list.
  public func report() -> HealthReport {
    let health = reflector.health
    let isMissing = isOptional && health.fault?.isNotFound == true
    return HealthReport(
      name: "\(reflector.resource)", isReady: health.isSynced || isMissing, staleness: reflector.staleness(),
      fault: health.fault.map { isMissing ? "the cluster has none" : "\($0)" })
  }
}
