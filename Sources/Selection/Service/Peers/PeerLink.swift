/// A stream on which a peer is heard.
package struct PeerLink: Sendable {
  /// Whose names a link may claim.
  enum Holder: Hashable, Sendable {
    /// Somebody who proved nothing; all of them are alike.
    case unproven
    /// Somebody with these names.
    case names(Set<String>)

    /// Whether both may be one: they share a name.
    func agrees(with other: Holder) -> Bool {
      switch (self, other) {
      case (.unproven, .unproven): true
      case (.names(let one), .names(let other)): !one.isDisjoint(with: other)
      default: false
      }
    }
  }

  let number: UInt32
  let holder: Holder
  /// Whose the services are that come by it alone; nil for nobody's.
  let registrant: Registrant?
  /// What it may say of who is registered; nil for all.
  let rights: Rights?

  /// Whether what it says of requests that come there is to be counted with, and so may lower what is admitted here.
  let isTrusted: Bool

  private init(number: UInt32, holder: Holder, registrant: Registrant?, rights: Rights?, isTrusted: Bool) {
    (self.number, self.holder, self.registrant) = (number, holder, registrant)
    (self.rights, self.isTrusted) = (rights, isTrusted)
  }

  /// Makes the link of a caller, which has a number of its own.
  package init(_ caller: Caller) {
    let holder: Holder =
      switch caller.identity {
      case .certificate(let names): .names(Set(names))
      case let identity where identity.isProven: .names([identity.description])
      default: .unproven
      }
    self.init(
      number: caller.owner, holder: holder, registrant: caller.registrant, rights: caller.rights,
      isTrusted: caller.identity != .anyone)
  }

  /// Within this process; whatever is said there is true.
  package static let inProcess = PeerLink(number: 0, holder: .unproven, registrant: nil, rights: nil, isTrusted: true)
}
