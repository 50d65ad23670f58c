package import Daemon
package import Selection

extension Peer {
  /// A pod, whatever user it calls as and whatever it speaks.
  package init(_ pod: NodePod) { self.init(pod.budgetName) }
}
