/// Who holds something, as far as is known of who is at the other end: those that cannot be told apart share what a peer
/// may have.
public struct Peer: Hashable, Sendable, CustomStringConvertible {
  /// How it is called.
  public let description: String

  /// Names a peer.
  public init(_ description: String) {
    self.description = description
  }
}
