package import Daemon
package import Fleet
package import Kubernetes
package import Logging
import Model
import Overflow
package import Selection
import ServiceLifecycle

/// Keeps a dispatcher's policies of overflow as the objects `OverflowPolicy` of a cluster are. One that cannot be read, or
/// asks for more than its namespace may, counts for nothing, and is told of.
package final class OverflowFeed: ServiceLifecycle.Service {
  private let policies: Reflector<OverflowPolicy?>
  private let cluster: String
  private let dispatcher: Dispatcher

  /// Makes a feed.
  ///
  /// - Parameters:
  ///   - namespace: whose policies count; nil for all.
  ///   - cluster: the name of the own cluster.
  ///   - rules: what policies may ask for.
  package init(
    _ client: APIClient, _ dispatcher: Dispatcher, namespace: String?, cluster: String,
    rules: PolicyRules = PolicyRules(), logger: Logger
  ) {
    self.cluster = cluster
    self.dispatcher = dispatcher
    policies = Reflector(.overflowPolicies, ObjectSelection(namespace: namespace), client: client, logger: logger) {
      object in
      do {
        let policy = try OverflowPolicy(object)
        try rules.check(policy)
        return policy
      } catch {
        logger.error(
          "A policy of overflow is not followed", metadata: ["policy": "\(object.key)", "error": "\(error)"])
        return nil
      }
    }
  }

  /// What `/readyz` is to ask.
  package var health: any HealthSource { ReflectorHealth(policies) }

  /// Follows the API server until the service is to end.
  package func run() async throws {
    await cancelWhenGracefulShutdown {
      let changes = self.policies.changes()
      async let running: Void = self.policies.run()
      var known: [ObjectKey: OverflowPolicy] = [:]
      for await batch in changes {
        for change in batch { known[change.key] = change.after ?? nil }
        let inOrder = known.values.sorted { $0.key.description < $1.key.description }
        self.dispatcher.set(ServiceOverflow.all(inOrder, cluster: self.cluster), at: .now)
      }
      await running
    }
  }
}
