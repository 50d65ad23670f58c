/// The cluster as far as the webhook writes to it.
package protocol BindingCluster: Sendable {
  /// Binds a pod to a node. A pod that is bound to that node already is bound.
  func bind(_ request: BindingRequest) async throws(BindingFailure)
  /// The pod that is to be bound; nil where it is not known.
  func pod(of request: BindingRequest) -> RequestedPod?
  /// Tells an event of a pod; it may be dropped where there are too many.
  func tell(_ pod: RequestedPod, reason: String, message: String)
}

/// Why a pod could not be bound.
package struct BindingFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What happened.
  package var message: String
  /// Whether the pod may be bound all the same.
  package var mayHaveTakenEffect: Bool

  /// Makes a failure.
  package init(message: String, mayHaveTakenEffect: Bool) {
    self.message = message
    self.mayHaveTakenEffect = mayHaveTakenEffect
  }

  /// The message.
  package var description: String { message }
}
