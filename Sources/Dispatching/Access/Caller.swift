/// Somebody who asks, on a connection or by a single request.
public struct Caller: Sendable {
  /// Who it is.
  public let identity: Identity
  /// Its number in the dispatcher, by which all that is open of it is given up when it has gone; 0 for a single request.
  public let owner: UInt32
  /// What it completes its picks with.
  public let key: PickKey
  /// What it may do.
  public let rights: Rights
  /// Where it is seen to call from.
  private let seenAddress: IPAddress?
  private let knownAddresses: @Sendable () -> Set<IPAddress>?

  /// Makes a caller.
  ///
  /// - Parameters:
  ///   - address: from where it calls; nil on a Unix socket. Loopback says nothing about who it is to others.
  ///   - owner: as `Dispatcher.newOwner()` numbers them; 0 for a single request.
  ///   - addresses: says what is known at present to be its own besides, such as a pod's addresses by the API server; nil
  ///     where nothing is.
  public init(
    _ identity: Identity, address: IPAddress? = nil, owner: UInt32, policy: AccessPolicy,
    addresses: @escaping @Sendable () -> Set<IPAddress>? = { nil }
  ) {
    self.identity = identity
    self.owner = owner
    key = PickKey.of(identity) ?? .random()
    rights = policy.rights(of: identity)
    seenAddress = address.flatMap { $0.isLoopback ? nil : $0 }
    knownAddresses = addresses
  }

  /// The same caller under a number of its own.
  public func numbered(_ owner: UInt32) -> Caller { Caller(self, owner: owner) }

  private init(_ other: Caller, owner: UInt32) {
    (identity, key, rights) = (other.identity, other.key, other.rights)
    (seenAddress, knownAddresses) = (other.seenAddress, other.knownAddresses)
    self.owner = owner
  }

  /// Whether its answers tell the key, since it has none of its own.
  public var isToldItsKey: Bool { !identity.isProven }

  /// Whether a replica's address, `host:port`, is its own. Who is not proven and calls from this machine may mean any;
  /// whose addresses are not known has none.
  public func owns(_ address: String) -> Bool {
    let known = knownAddresses()
    guard seenAddress != nil || known != nil else { return !identity.isProven }
    guard let address = IPAddress(ofReplica: address) else { return false }
    return address == seenAddress || known?.contains(address) == true
  }
}
