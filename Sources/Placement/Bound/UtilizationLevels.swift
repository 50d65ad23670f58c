/// The peak utilizations that placements can have: on each node and for each resource, what pods outside the plan use
/// and a multiple of the requests' greatest common divisor, relative to what is allocatable; 0 alone where nothing is.
struct UtilizationLevels {
  private struct Scale: Hashable {
    var allocatable: Int64
    var reserved: Int64
    var unit: Int64
  }

  private let scales: [Scale]
  /// Levels nearer to each other than this, relatively, are the same.
  private static let precision = 1e-11

  init(_ problem: Problem) {
    var scales = Set<Scale>()
    for k in problem.resources.indices {
      var unit: Int64 = 0
      for (w, workload) in problem.workloads.enumerated() where workload.replicas > 0 {
        unit = Self.commonDivisor(unit, problem.requests[w * problem.resources.count + k])
      }
      for n in problem.nodes.indices {
        let i = n * problem.resources.count + k
        guard problem.allocatable[i] > 0 else { continue }
        scales.insert(Scale(allocatable: problem.allocatable[i], reserved: problem.reserved[i], unit: unit))
      }
    }
    self.scales = scales.isEmpty ? [Scale(allocatable: 1, reserved: 0, unit: 0)] : Array(scales)
  }

  private static func commonDivisor(_ a: Int64, _ b: Int64) -> Int64 { b == 0 ? a : commonDivisor(b, a % b) }

  /// The highest level up to a utilization; minus infinity where there is none.
  func highest(upTo utilization: Double) -> Double {
    scales.map { level($0, near: utilization * (1 + Self.precision), .down) }.max() ?? -.infinity
  }

  /// The lowest level from a utilization on.
  func lowest(from utilization: Double) -> Double {
    scales.map { level($0, near: utilization * (1 - Self.precision), .up) }.min() ?? .infinity
  }

  /// The lowest level above a utilization.
  func lowest(above utilization: Double) -> Double { lowest(from: utilization * (1 + 3 * Self.precision)) }

  /// The highest level below a utilization.
  func highest(below utilization: Double) -> Double { highest(upTo: utilization * (1 - 3 * Self.precision)) }

  private func level(_ scale: Scale, near utilization: Double, _ direction: FloatingPointRoundingRule) -> Double {
    let (allocatable, reserved) = (Double(scale.allocatable), Double(scale.reserved))
    guard scale.unit > 0 else {
      let only = reserved / allocatable
      return direction == .down ? (only <= utilization ? only : -.infinity) : (only >= utilization ? only : .infinity)
    }
    let unit = Double(scale.unit)
    let steps = ((utilization * allocatable - reserved) / unit).rounded(direction)
    if steps < 0 { return direction == .down ? -.infinity : reserved / allocatable }
    return (reserved + steps * unit) / allocatable
  }
}
