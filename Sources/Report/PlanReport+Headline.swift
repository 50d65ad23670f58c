import Placement

extension PlanReport {
  /// A figure that one looks for first.
  struct HeadlineFigure {
    var name: String
    var before: String?
    var value: String
    /// Whether it is clearly better than before.
    var isBetter = false
  }

  /// The headline: how local the traffic is, how full the nodes are, what it takes to get there, how good it is.
  func headline() -> [HeadlineFigure] {
    var figures = [
      share("localized share", before?.evaluation.localizedShareNode, evaluation.localizedShareNode)
    ]
    if problem.zones.count > 1 {
      figures.append(share("within a zone", before?.evaluation.localizedShareZone, evaluation.localizedShareZone))
    }
    let (wasBetween, between) = (before?.evaluation.betweenNodes, evaluation.betweenNodes)
    figures.append(
      HeadlineFigure(
        name: "traffic between nodes",
        before: wasBetween.map { Human.traffic($0, unit: problem.trafficUnit) },
        value: "\(Human.traffic(between, unit: problem.trafficUnit)) of "
          + Human.traffic(evaluation.totalTraffic, unit: problem.trafficUnit),
        isBetter: coversAll && isLess(between, than: wasBetween)
      )
    )
    figures.append(
      HeadlineFigure(
        name: "peak utilization",
        before: before.map { Human.percent($0.evaluation.peakUtilization) },
        value: Human.percent(evaluation.peakUtilization),
        isBetter: isLess(evaluation.peakUtilization, than: before?.evaluation.peakUtilization)
      )
    )
    if before != nil { figures.append(HeadlineFigure(name: "moves", value: Human.count(evaluation.moves, "replica"))) }
    if let quality { figures.append(HeadlineFigure(name: "gap", value: quality)) }
    return figures
  }

  /// How good the plan is known to be; nil where no bound was sought.
  var quality: String? {
    guard !isOptimal else { return "0 %, proven optimal (objective \(Human.number(evaluation.objective)))" }
    guard let lowerBound else { return nil }
    guard let gap else { return "unknown (objective \(Human.number(evaluation.objective)), no bound)" }
    return "\(Human.percent(gap)) (objective \(Human.number(evaluation.objective)), bound \(Human.number(lowerBound)))"
  }

  /// What to know of the figures before, where they do not speak of everything.
  var beforeNote: String? {
    guard let before, !coversAll else { return nil }
    return "Before: of the \(Human.percent(before.coveredShare)) of traffic whose two ends run now."
  }

  /// Whether the figures before speak of all edges.
  private var coversAll: Bool { before.map { !$0.localShareOfEdge.contains(nil) } ?? false }

  private func share(_ name: String, _ was: Double?, _ now: Double) -> HeadlineFigure {
    HeadlineFigure(
      name: name, before: was.map(Human.percent), value: Human.percent(now), isBetter: isLess(was, than: now))
  }

  private func isLess(_ a: Double?, than b: Double?) -> Bool {
    guard let a, let b else { return false }
    return a < b - 5e-4 * abs(b)
  }
}

extension Evaluation {
  /// Traffic per second that leaves its node.
  var betweenNodes: Double { totalTraffic * (1 - localizedShareNode) }
}
