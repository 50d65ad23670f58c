package import Daemon

/// How a reflector stands.
package struct ReflectorHealth<Value: Sendable>: HealthSource {
  private let reflector: Reflector<Value>
  private let isOptional: Bool

  /// Makes a source.
  ///
  /// - Parameters:
  ///   - reflector: what is asked.
  ///   - isOptional: whether the daemon does without the resource where the cluster does not have it.
  package init(_ reflector: Reflector<Value>, isOptional: Bool = false) {
    self.reflector = reflector
    self.isOptional = isOptional
  }

  /// Ready once there was a list.
  package func report() -> HealthReport {
    let health = reflector.health
    let isMissing = isOptional && health.fault?.isNotFound == true
    return HealthReport(
      name: "\(reflector.resource)", isReady: health.isSynced || isMissing, staleness: reflector.staleness(),
      fault: health.fault.map { isMissing ? "the cluster has none" : "\($0)" })
  }
}
