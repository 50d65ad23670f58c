/// What a caller may do.
package enum Capability: String, CaseIterable, Hashable, Sendable {
  /// Pick, complete its own picks, watch services by name.
  case pick
  /// Ask for the endpoints of services, as Envoys do (EDS).
  case endpoints
  /// Register, deregister and report the load of replicas at its own addresses.
  case register
  /// Register and deregister replicas at any address.
  case registrar
  /// Report the load of any replica, as Envoys (LRS), agents and probes do.
  case report
  /// Exchange with this selector as one of its peers what was dispatched and learnt.
  case exchange
  /// Watch all services.
  case watch

  /// What it is good for, in a few words.
  package var summary: String {
    switch self {
    case .pick: "pick, complete its own picks, watch services by name"
    case .endpoints: "ask for endpoints, as Envoys do (EDS)"
    case .register: "register, deregister and report replicas at its own addresses"
    case .registrar: "register and deregister replicas at any address"
    case .report: "report the load of any replica (Report, LRS)"
    case .exchange: "exchange what was dispatched, as a peer"
    case .watch: "watch all services"
    }
  }

  /// Whether a rule for it may name services.
  var isBoundToServices: Bool {
    switch self {
    case .register, .registrar, .report, .exchange: true
    case .pick, .endpoints, .watch: false
    }
  }

  var bit: UInt8 {
    switch self {
    case .pick: 1
    case .endpoints: 2
    case .register: 4
    case .registrar: 8
    case .report: 16
    case .exchange: 32
    case .watch: 64
    }
  }
}
