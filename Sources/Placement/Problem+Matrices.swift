extension Problem {
  /// Traffic of one time among several that are planned together, such as day and night.
  public struct TrafficMatrix: Hashable, Sendable {
    /// A name that is unique among the matrices.
    public var name: String
    /// What it counts in the mean, relative to the others. Positive.
    public var weight: Double

    /// Makes a matrix; the edges say what is in it.
    public init(name: String, weight: Double = 1) {
      self.name = name
      self.weight = weight
    }
  }

  /// What several traffic matrices count together.
  public enum Combination: String, CaseIterable, Hashable, Sendable {
    /// Their mean, by their weights: traffic that is seldom there counts less.
    case mean
    /// The one that is served worst. Each matrix is seen as a share of its own total, so that a quiet night counts as
    /// much as a busy day: the cost is `T · max_m C_m / T_m`, where `C_m` is what matrix `m` alone would cost, `T_m` its
    /// total, and `T` the mean of the totals. Weights do not matter.
    case worst
  }

  /// Sets the traffic of each edge to what the matrices come to together. To be called once the edges have their traffic
  /// in each matrix, and again where edges are left out.
  ///
  /// With ``Combination/mean`` it is the weighted mean, and nothing else is to be known of the matrices. With
  /// ``Combination/worst`` it is the mean of the matrices, each scaled to the total `T`. As a mean is never above the
  /// worst, the cost of this traffic is a lower bound of the problem's, and whatever bounds the one bounds the other.
  public mutating func combineTraffic() {
    guard !matrices.isEmpty else { return }
    let factors: [Double]
    switch combination {
    case .mean:
      let all = matrices.reduce(0) { $0 + $1.weight }
      factors = matrices.map { $0.weight / all }
    case .worst:
      let scales = matrixScales
      let count = scales.count { $0 > 0 }
      factors = scales.map { $0 / Double(max(1, count)) }
    }
    for e in edges.indices {
      edges[e].traffic = zip(edges[e].trafficByMatrix, factors).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  /// The traffic term of the objective where the worst of the matrices counts, `T · max_m C_m / T_m`; nil where the sum
  /// over the edges' traffic is the term.
  ///
  /// - Parameter costs: `C_m`, what each matrix alone costs.
  public func worstCost(ofMatrices costs: [Double]) -> Double? {
    worstScales?.reduce(0) { max($0, $1.scale * costs[$1.matrix]) }
  }

  /// `T_m`: the total traffic of each matrix.
  var matrixTotals: [Double] {
    edges.reduce(into: matrices.map { _ in 0 }) { totals, edge in
      for (m, traffic) in edge.trafficByMatrix.enumerated() { totals[m] += traffic }
    }
  }

  /// `T / T_m`: what brings each matrix to the mean of the totals; 0 for one without traffic, which is left out.
  private var matrixScales: [Double] {
    let totals = matrixTotals
    let count = totals.count { $0 > 0 }
    guard count > 0 else { return totals }
    let mean = totals.reduce(0, +) / Double(count)
    return totals.map { $0 > 0 ? mean / $0 : 0 }
  }

  /// `T / T_m` of the matrices of which the worst counts, by index; nil where ``Edge/traffic`` says everything.
  var worstScales: [(matrix: Int, scale: Double)]? {
    guard combination == .worst, matrices.count > 1 else { return nil }
    let scales = matrixScales.enumerated().filter { $0.element > 0 }.map { (matrix: $0.offset, scale: $0.element) }
    return scales.count > 1 ? scales : nil
  }
}
