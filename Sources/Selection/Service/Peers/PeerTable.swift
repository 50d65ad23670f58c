/// What peers said last, by the names that they gave themselves.
///
/// A name belongs to the identity that said it first for as long as that is heard: nobody else speaks for it, nor ends what
/// it said by going. A link has one name.
struct PeerTable: Sendable {
  private struct Peer: Sendable {
    var digest: PeerDigest
    /// Whose name it is.
    var identity: PeerLink.Holder
    /// The links on which it is heard.
    var links: Set<UInt32>
  }

  private var peers: [String: Peer] = [:]
  /// The name that was said first on a link.
  private var namesOfLinks: [UInt32: String] = [:]
  /// How often somebody spoke under a name that was not theirs.
  private(set) var refused: UInt64 = 0

  /// The names.
  var names: some Collection<String> { peers.keys }

  /// What they said.
  var digests: some Collection<PeerDigest> { peers.values.lazy.map(\.digest) }

  /// What one said last.
  subscript(name: String) -> PeerDigest? { peers[name]?.digest }

  /// Whether somebody may speak under a name.
  ///
  /// - Parameter most: how many names there may be.
  mutating func admits(_ name: String, on link: PeerLink, most: Int) -> Bool {
    let isOwn = link.number == 0 || (namesOfLinks[link.number] ?? name) == name
    guard isOwn, peers[name].map({ $0.identity.agrees(with: link.holder) }) ?? (peers.count < most) else {
      refused &+= 1
      return false
    }
    return true
  }

  /// Takes what one says for what it said before. Answers that.
  mutating func set(_ digest: PeerDigest, of name: String, on link: PeerLink) -> PeerDigest? {
    let before = peers[name]
    var links = before?.links ?? []
    if link.number != 0 {
      links.insert(link.number)
      namesOfLinks[link.number] = name
    }
    peers[name] = Peer(digest: digest, identity: before?.identity ?? link.holder, links: links)
    return before?.digest
  }

  /// Forgets a peer. Answers what it said, and on which links.
  mutating func remove(_ name: String) -> (digest: PeerDigest, links: Set<UInt32>)? {
    peers.removeValue(forKey: name).map { ($0.digest, $0.links) }
  }

  /// A link has ended. Answers the name of a peer that is heard on no other.
  mutating func end(_ link: UInt32) -> String? {
    guard let name = namesOfLinks.removeValue(forKey: link) else { return nil }
    peers[name]?.links.remove(link)
    return peers[name]?.links.isEmpty == true ? name : nil
  }
}
