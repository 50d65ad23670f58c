/// Whether a cluster can bear what its figure says: responses that take much longer than usual, or fail, lower its
/// capacity; it comes back with care.
struct Distress: Hashable, Sendable {
  /// What is left of the capacity, 0…1.
  private(set) var part = 1.0
  /// Where the last distress began; what lies beyond is tried again slowly.
  private var ceiling = 1.0
  /// What a response takes when there is no haste, in seconds.
  private var usual: Double?
  private var inARow = 0
  private var sinceCut = Double.infinity

  /// Seconds that a cut needs to show.
  private static let patience = 3.0

  /// Learns how the local cluster does.
  ///
  /// - Parameters:
  ///   - utilization: what is served locally, as a share of the given capacity.
  ///   - responseSeconds: what responses take; nil where that is not known.
  ///   - errorShare: the share of the local responses that are errors; nil where that is not known.
  ///   - elapsed: seconds since the last time.
  mutating func note(
    utilization: Double, responseSeconds: Double?, errorShare: Double?, elapsed: Double, _ settings: OverflowSettings
  ) {
    sinceCut += elapsed
    let response = responseSeconds.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
    let isSlow = response.map { response in usual.map { response > settings.distressResponse * $0 } ?? false } ?? false
    let fails = errorShare.map { $0 > settings.distressErrors } ?? false
    // At little load neither comes of the load.
    if (isSlow || fails) && utilization >= settings.leastCapacity {
      inARow += 1
      if inARow >= 2, sinceCut >= Self.patience {
        ceiling = min(part, utilization)
        part = max(settings.leastCapacity, ceiling * 0.9)
        sinceCut = 0
      }
      return
    }
    inARow = 0
    if let response, utilization < 0.7 {
      usual = usual.map { $0 + (response < $0 ? 0.3 : 0.02) * (response - $0) } ?? response
    }
    guard part < 1, sinceCut >= Self.patience else { return }
    let speed = part < ceiling * 0.95 ? 0.02 : 0.001
    part = min(1, part + speed * elapsed)
    ceiling = max(ceiling, part)
  }
}
