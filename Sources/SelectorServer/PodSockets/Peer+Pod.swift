public import Dispatching
public import Monitoring

extension Peer {
  /// A pod, whatever user it calls as and whatever it speaks.
  public init(_ pod: NodePod) { self.init(pod.budgetName) }
}
