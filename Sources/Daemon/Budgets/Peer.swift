/// Who holds something, as far as is known of who is at the other end: those that cannot be told apart share what a peer
/// may have.
package struct Peer: Hashable, Sendable, CustomStringConvertible {
  /// How it is called.
  package let description: String

  /// Names a peer.
  package init(_ description: String) {
    self.description = description
  }
}
