/// Who may be picked: a range in the order of places, without the excluded, with all the labels that are asked for.
public struct Candidates: Sendable {
  /// Positions in the order of places.
  public var positions: Range<Int>
  /// Replicas that were tried already.
  public var excluded: ExclusionList
  /// Labels that a replica must have.
  public var labels: UInt64

  /// Makes candidates of a range and a request.
  public init(positions: Range<Int>, _ request: PickRequest) {
    self.positions = positions
    excluded = request.excluded
    labels = request.labels
  }

  /// Whether every open replica in the range will do.
  public var isUnrestricted: Bool { excluded.isEmpty && labels == 0 }
}

extension ReplicaTable {
  /// The positions of all replicas.
  public var everywhere: Range<Int> { 0..<order.count }

  /// Whether the replica in a slot takes requests and is among the candidates, wherever it stands.
  public func admits(_ slot: Int, _ candidates: Candidates) -> Bool {
    records[slot].isOpen && allows(slot, candidates)
  }

  /// Whether the request of the candidates may go to the replica in a slot, whether it takes requests or not.
  @inline(__always)
  func allows(_ slot: Int, _ candidates: Candidates) -> Bool {
    records[slot].labels & candidates.labels == candidates.labels && !candidates.excluded.contains(slot)
  }

  /// A candidate by chance, each as likely as the other; nil where there is none.
  ///
  /// Draws a few times; where that finds nobody, it looks at one after the other.
  public func sample(_ candidates: Candidates, using generator: inout some RandomNumberGenerator) -> Int? {
    guard !candidates.positions.isEmpty else { return nil }
    for _ in 0..<8 {
      let slot = slot(at: position(in: candidates.positions, &generator))
      if admits(slot, candidates) { return slot }
    }
    let start = position(in: candidates.positions, &generator)
    for position in start..<candidates.positions.upperBound {
      let slot = slot(at: position)
      if admits(slot, candidates) { return slot }
    }
    for position in candidates.positions.lowerBound..<start {
      let slot = slot(at: position)
      if admits(slot, candidates) { return slot }
    }
    return nil
  }

  /// Two different candidates by chance; the same twice where there is but one, nil where there is none.
  public func samplePair(_ candidates: Candidates, using generator: inout some RandomNumberGenerator) -> (Int, Int)? {
    guard let first = sample(candidates, using: &generator) else { return nil }
    for _ in 0..<4 {
      guard let second = sample(candidates, using: &generator) else { break }
      if second != first { return (first, second) }
    }
    return (first, first)
  }

  @inline(__always)
  private func position(in range: Range<Int>, _ generator: inout some RandomNumberGenerator) -> Int {
    range.lowerBound + Int(truncatingIfNeeded: generator.next().multipliedFullWidth(by: UInt64(range.count)).high)
  }
}
