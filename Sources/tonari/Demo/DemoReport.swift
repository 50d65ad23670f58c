import Placement
import Planner
import Report

/// Where pods went with and without the extender, as tables.
struct DemoReport {
  /// How many pods are shown unless all are asked for.
  static let mostPods = 60

  var input: PlanInput
  var url: String
  var weight: Int
  var without: SchedulingPlay.Outcome
  var with: SchedulingPlay.Outcome
  var plan: Assignment

  /// The tables, each line with a line feed at its end.
  func text(_ style: TerminalStyle, most: Int) -> String {
    let (pods, nodes) = (Human.count(with.pods.count, "pod"), Human.count(input.problem.nodes.count, "node"))
    var text =
      "\(pods) scheduled one after another on \(nodes), by a model of kube-scheduler: see 'tonari help demo extender'\n"
    text += "The extender served the plan on \(url), weight \(weight)"
    if let wait = with.typicalWait {
      text += ": filter, prioritize and bind took \(Human.duration(wait)) a pod"
    }
    text += "\n\n" + table(most: most).render(style)
    if with.pods.count > most { text += "  and \(Human.count(with.pods.count - most, "more pod")); --all shows them\n" }
    return text + "\n" + figures().render(style)
  }

  private func table(most: Int) -> TextTable {
    var table = TextTable(
      columns: [
        .init("pod", overflow: .truncateMiddle), .init("without it", overflow: .truncateMiddle),
        .init("with it", overflow: .truncateMiddle), .init("the plan", overflow: .wrap),
      ], indent: 2)
    let isOneNamespace = Set(input.references.compactMap { $0?.namespace }).count < 2
    var last = -1
    var ordinal = 0
    for (alone, followed) in zip(without.pods, with.pods).prefix(most) {
      let w = followed.workload
      ordinal = w == last ? ordinal + 1 : 0
      guard let reference = input.references[w] else { continue }
      let prefix = isOneNamespace ? "" : "\(reference.namespace)/"
      let isPlanned = plan.placed[w].contains { $0.node == followed.node }
      table.add([
        TextTable.Cell("\(prefix)\(reference.name)-\(ordinal)"), TextTable.Cell(name(alone.node)),
        TextTable.Cell(name(followed.node), isPlanned ? .good : .warning),
        TextTable.Cell(w == last ? "" : places(plan.placed[w]), .faint),
      ])
      last = w
    }
    return table
  }

  private func figures() -> TextTable {
    var table = TextTable(
      columns: [
        .init("", overflow: .truncateMiddle), .init("without it", isNumeric: true), .init("with it", isNumeric: true),
        .init("the plan", isNumeric: true),
      ], indent: 2)
    let problem = input.problem
    let assignments = [without.scheduler.assignment, with.scheduler.assignment, plan]
    let evaluations = assignments.map(problem.evaluate)
    func add(_ title: String, _ values: [String]) {
      let emphases: [TerminalStyle.Emphasis] = [.plain, .good, .plain]
      table.add([TextTable.Cell(title, .faint)] + zip(values, emphases).map { TextTable.Cell($0, $1) })
    }
    add("localized share", evaluations.map { Human.percent($0.localizedShareNode) })
    if problem.zones.count > 1 { add("within a zone", evaluations.map { Human.percent($0.localizedShareZone) }) }
    add(
      "traffic between nodes",
      evaluations.map { evaluation in
        Human.traffic(evaluation.totalTraffic * (1 - evaluation.localizedShareNode), unit: problem.trafficUnit)
      })
    add("peak utilization", evaluations.map { Human.percent($0.peakUtilization) })
    add(
      "pods where the plan has them",
      assignments.map { assignment in
        "\(Human.grouped(inPlace(assignment))) of \(Human.grouped(with.pods.count))"
      })
    let pending = [without, with].map { outcome in outcome.pods.count { $0.node == nil } }
    if pending.contains(where: { $0 > 0 }) {
      add("pods that no node takes", pending.map { Human.grouped($0) } + ["0"])
    }
    return table
  }

  /// How many replicas run where the plan has them.
  private func inPlace(_ assignment: Assignment) -> Int {
    var count = 0
    for (w, places) in assignment.placed.enumerated() where input.references[w] != nil {
      for place in places {
        count += min(place.replicas, plan.placed[w].first { $0.node == place.node }?.replicas ?? 0)
      }
    }
    return count
  }

  private func name(_ node: Int?) -> String { node.map { input.problem.nodes[$0].name } ?? "none" }

  private func places(_ placed: [Problem.Placed]) -> String {
    placed.map { place in
      input.problem.nodes[place.node].name + (place.replicas == 1 ? "" : "\u{00A0}×\(place.replicas)")
    }.joined(separator: ", ")
  }
}
