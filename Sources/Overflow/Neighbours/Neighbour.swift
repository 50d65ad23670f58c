public import Model

/// Another cluster that takes what is too much for this one, as this one sees it.
public struct Neighbour: Hashable, Sendable {
  /// The cluster's name.
  public var name: String
  /// What a request that goes there costs more than one that stays: a hop's cost, a latency, a price. Above 0.
  public var cost: Double
  /// What it said last; nil where it says nothing.
  public var headroom: Headroom?
  /// The most it is ever sent, in requests per minute; nil for no limit.
  public var limitPerMinute: Double?
  /// What it was sent, in requests per minute, counted over the time that its headroom was counted over: that much of
  /// what it has is ours. Nil where nobody counted.
  public var sentPerMinute: Double?
  /// Whether it answers.
  public var health = RemoteHealth()

  /// Makes a neighbour.
  public init(
    name: String, cost: Double = 20, headroom: Headroom? = nil, limitPerMinute: Double? = nil,
    sentPerMinute: Double? = nil
  ) {
    self.name = name
    self.cost = cost
    self.headroom = headroom
    self.limitPerMinute = limitPerMinute
    self.sentPerMinute = sentPerMinute
  }

  /// Requests per minute that it may be sent now.
  ///
  /// A headroom is what is left beside what we send already. Where there is none left, and it is others' as well, each
  /// takes back its part of what is too much. One that says nothing, or says it no more, gets
  /// ``OverflowSettings/unknownPerMinute`` at most.
  public func room(_ settings: OverflowSettings, at now: Moment) -> Double {
    var room = 0.0
    switch health.state(at: now) {
    case .down: return 0
    case .probing: room = settings.tricklePerMinute
    case .healthy: room = roomWhenHealthy(settings, at: now)
    }
    if let limitPerMinute, limitPerMinute >= 0 { room = min(room, limitPerMinute) }
    return room
  }

  private func roomWhenHealthy(_ settings: OverflowSettings, at now: Moment) -> Double {
    guard let headroom else { return max(0, settings.unknownPerMinute) }
    let sent = sentPerMinute.flatMap { $0 > 0 && $0.isFinite ? $0 : nil } ?? 0
    let others = max(0, (headroom.receivedPerMinute ?? sent) - sent)
    if headroom.perMinute >= 0 {
      // Where others send too, all see the same room.
      let part = others > 0 ? settings.sharedHeadroom : 1
      return (sent + headroom.perMinute * part) * headroom.trust(at: now)
    }
    let part = sent > 0 ? sent / (sent + others) : 0
    return max(0, sent + headroom.perMinute * part) * headroom.trust(at: now)
  }

  /// Whether its headroom is known: of two that cost the same it is preferred.
  func isKnown(at now: Moment) -> Bool { headroom.map { $0.trust(at: now) > 0 } ?? false }
}
