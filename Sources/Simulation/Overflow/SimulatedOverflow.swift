/// The ways to overflow that can be compared: the original's, its remedies one by one, and ours.
public enum SimulatedOverflow: String, CaseIterable, Hashable, Sendable {
  /// Everything stays.
  case baseline
  /// The original with `RPMmax` 540: weights each minute from the last minute's rate.
  case rpmMax540 = "rpmmax-540"
  /// The original with `RPMmax` 390.
  case rpmMax390 = "rpmmax-390"
  /// The original with `RPMmax` 390, but the neighbour gets no more than it says it has room for.
  case headroom
  /// What `RPMmax` 540 is exceeded by leaves request by request, whether or not the neighbour has room.
  case perRequest = "per-request"
  /// Weights each second, steadied, whether or not the neighbour has room.
  case weights1s = "weights-1s"
  /// Weights each second and the neighbour's headroom: for ingresses that know weights only.
  case tonariWeights = "tonari-weights"
  /// All of it: request by request, measured each second, with the neighbour's headroom.
  case tonari

  /// What is let in at the edge at most, in requests per minute; nil where that is all.
  public var capacityPerMinute: Double? {
    switch self {
    case .baseline: nil
    case .rpmMax390, .headroom: 390
    default: 540
    }
  }

  /// What the original published: the mean response time and the errors, each as a share of the baseline's.
  public var published: (mean: Double, errors: Double)? {
    switch self {
    case .rpmMax540: (0.19, 0.114)
    case .rpmMax390: (0.40, 0.365)
    default: nil
    }
  }
}
