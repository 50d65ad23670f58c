import Fleet
import MeshController
import Report

/// Flows between clusters as a table: for each service a line for what stays, for each neighbour, and for what nobody has
/// room for.
struct FlowTable {
  private var table = TextTable(
    columns: [
      .init("service", overflow: .truncateMiddle), .init("state"), .init("demand", isNumeric: true),
      .init("capacity", isNumeric: true), .init("goes to", overflow: .truncateMiddle),
      .init("share", isNumeric: true), .init("req/min", isNumeric: true), .init("has room for", isNumeric: true),
    ])

  /// What people are to know besides.
  private var notes: [String] = []

  /// What objects say.
  init(_ lines: [PolicyLine]) {
    for line in lines {
      let status = line.status
      let demand = status?.demandPerMinute
      var flows: [Flow] = []
      if let local = status?.localShare { flows.append(Flow(name: "this cluster", share: local)) }
      for neighbour in status?.neighbours ?? [] {
        flows.append(
          Flow(
            name: neighbour.name + (neighbour.isDown == true ? " (fails)" : ""), share: neighbour.share,
            headroom: neighbour.headroomPerMinute))
      }
      if let shed = status?.shedShare, shed > 0 {
        // A route turns nothing away: what nobody has room for is part of what stays.
        let isHere = flows.reduce(shed) { $0 + $1.share } > 1.001
        flows.append(Flow(name: isHere ? "of these too many" : "nobody", share: shed))
      }
      for type in [OverflowPolicy.Condition.measured, OverflowPolicy.Condition.scaling] {
        guard let condition = status?.condition(type), !condition.holds else { continue }
        notes.append("\(line.service ?? line.policy): \(condition.message)".printable + "\n")
      }
      add(line.service ?? line.policy, Self.state(line), demand, status?.capacityPerMinute, flows)
    }
  }

  /// What a controller says, of now.
  init(_ history: FlowHistory) {
    for flow in history.flows {
      guard let point = flow.points.last, point.demand > 0 else {
        add(flow.service, TextTable.Cell("nothing measured", .faint), nil, flow.capacity, [])
        continue
      }
      var flows = [Flow(name: "this cluster", share: point.local / point.demand)]
      for (name, rate) in zip(flow.neighbours, point.remote) {
        flows.append(Flow(name: name, share: rate / point.demand))
      }
      if point.shed > 0 { flows.append(Flow(name: "nobody", share: point.shed / point.demand)) }
      let isOverflowing = point.remote.contains { $0 > 0 }
      add(
        flow.service, isOverflowing ? TextTable.Cell("overflows", .warning) : TextTable.Cell("fits", .good),
        point.demand,
        flow.capacity, flows)
    }
  }

  private struct Flow {
    var name: String
    var share: Double
    var headroom: Double?
  }

  private mutating func add(
    _ service: String, _ state: TextTable.Cell, _ demand: Double?, _ capacity: Double?, _ flows: [Flow]
  ) {
    func rate(_ value: Double?) -> TextTable.Cell { TextTable.Cell(value.map { Human.number($0) } ?? "–") }
    var head = [TextTable.Cell(service, .strong), state, rate(demand), rate(capacity)]
    guard !flows.isEmpty else { return table.add(head) }
    for flow in flows {
      table.add(
        head + [
          TextTable.Cell(flow.name), TextTable.Cell(Human.percent(flow.share)), rate(demand.map { $0 * flow.share }),
          flow.headroom == nil ? "" : rate(flow.headroom),
        ])
      head = ["", "", "", ""]
    }
  }

  private static func state(_ line: PolicyLine) -> TextTable.Cell {
    if line.fault != nil { return TextTable.Cell("cannot be read", .warning) }
    guard let status = line.status else { return TextTable.Cell("not followed yet", .faint) }
    if let ready = status.condition(OverflowPolicy.Condition.ready), !ready.holds {
      return TextTable.Cell(ready.reason, .warning)
    }
    if status.condition(OverflowPolicy.Condition.measured)?.holds != true {
      return TextTable.Cell("nothing measured", .faint)
    }
    let isOverflowing = status.condition(OverflowPolicy.Condition.overflowing)?.holds == true
    if isOverflowing, let scaling = status.condition(OverflowPolicy.Condition.scaling) {
      if !scaling.holds { return TextTable.Cell("overflows for good", .warning) }
      if scaling.reason == "Bridges" { return TextTable.Cell("bridges", .warning) }
    }
    return isOverflowing ? TextTable.Cell("overflows", .warning) : TextTable.Cell("fits", .good)
  }

  /// The table as text.
  func render(_ style: TerminalStyle) -> String {
    guard !table.isEmpty else { return "There are no overflow policies.\n" }
    return table.render(style) + (notes.isEmpty ? "" : "\n" + notes.joined())
  }
}
