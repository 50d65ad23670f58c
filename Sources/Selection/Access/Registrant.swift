import Model

/// Who registers replicas, for how many they may: whoever is proven, on all connections together; of others whoever calls
/// from one address, or from this machine.
package struct Registrant: Hashable, Sendable {
  let identity: Identity
  let address: IPAddress?
}

/// What became of a registration.
package enum RegistrationStatus: Hashable, Sendable {
  /// The replicas are there.
  case taken
  /// The service would be new, and there are too many; see ``DispatcherOptions/mostRegisteredServices``.
  case tooManyServices
  /// The service would be new, and its caller brought too many; see
  /// ``DispatcherOptions/mostRegisteredServicesOfCaller``.
  case tooManyServicesOfCaller
  /// Its caller would have too many; see ``DispatcherOptions/mostRegistrationsOfCaller``.
  case tooManyOfCaller
}
