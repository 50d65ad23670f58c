/// Who may do what: rules, of which one that allows is enough.
package struct AccessPolicy: Hashable, Sendable {
  /// The rules.
  package var rules: [AccessRule]

  /// Makes a policy of rules alone.
  package init(rules: [AccessRule]) {
    self.rules = rules
  }

  /// Makes a policy of the rules that hold where nothing else is said (``standard``) and more.
  package init(adding rules: [AccessRule] = []) {
    self.rules = Self.standard + rules
  }

  /// The rules that hold where nothing else is said: whoever is on this machine or proven may pick, complete its own picks
  /// and ask for endpoints, and no more.
  package static let standard: [AccessRule] = [Capability.pick, .endpoints].flatMap { capability in
    ["local", "proven"].compactMap { try? AccessRule("\(capability.rawValue)=\($0)") }
  }

  /// Everything is allowed to everybody: for a selector and clients that are one program.
  package static let open = AccessPolicy(
    rules: Capability.allCases.compactMap { capability in
      try? AccessRule("\(capability.rawValue)=anyone" + (capability.isBoundToServices ? "@**" : ""))
    })

  /// What somebody may do.
  package func rights(of identity: Identity) -> Rights {
    Rights(identity, rules.filter { $0.isAbout(identity) })
  }
}

/// What one caller may do.
package struct Rights: Sendable {
  private let identity: Identity
  private let rules: [AccessRule]
  private let bits: UInt8

  init(_ identity: Identity, _ rules: [AccessRule]) {
    self.identity = identity
    self.rules = rules
    bits = rules.reduce(0) { $0 | $1.capability.bit }
  }

  /// Whether it may do something, for some service at least.
  package func allows(_ capability: Capability) -> Bool { bits & capability.bit != 0 }

  /// Whether it may do something for a service.
  package func allows(_ capability: Capability, for service: String) -> Bool {
    guard allows(capability) else { return false }
    return rules.contains { $0.capability == capability && $0.allows(service, to: identity) }
  }
}
