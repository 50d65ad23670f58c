package import Model
package import Overflow

/// Where clusters tell each other what room they have.
package protocol HeadroomExchange: Sendable {
  /// Says what room a service has here; nil where that is not known any more.
  func publish(_ message: HeadroomMessage?, of service: ObjectKey)

  /// What a cluster said last of a service, by the clock of this process; nil where it says nothing.
  func headroom(of service: ObjectKey, in cluster: String) -> Headroom?
}
