import Model
import Placement

/// Draws a placement: nodes as boxes in their zones, workloads in them, traffic as curves.
struct GraphFigure {
  let report: PlanReport
  let layout: GraphLayout
  private let ranks: [Int]
  private let heaviest: Double
  private let nodeLabels: NodeLabels
  /// The most curves that one picture shows.
  static let mostCurves = 240

  init(_ report: PlanReport) {
    self.report = report
    var items = Array(repeating: 0, count: report.problem.nodes.count)
    for assignment in [report.before?.assignment, report.after].compactMap({ $0 }) {
      var count = Array(repeating: 0, count: items.count)
      for place in assignment.placed.joined() { count[place.node] += 1 }
      for n in items.indices { items[n] = max(items[n], count[n]) }
    }
    layout = GraphLayout(report.problem, items: items, isWide: report.before == nil)
    ranks = WorkloadOrder.ranks(report.problem)
    nodeLabels = NodeLabels(report.problem.nodes.map(\.name))
    heaviest = report.problem.edges.map(\.traffic).max() ?? 1
  }

  /// A workload on a node.
  private struct Item {
    var workload: Int
    var replicas: Int
    var localTraffic: Double
    var traffic: Double
    var localShare: Double? { traffic > 0 ? min(1, localTraffic / traffic) : nil }
    var frame = GraphLayout.Frame(x: 0, y: 0, width: 0, height: 0)
  }

  /// Draws one placement.
  ///
  /// - Parameter label: what the picture shows, for those who do not see it.
  func render(_ assignment: Assignment, label: String) -> (svg: Markup, note: String) {
    let flows = TrafficFlows(report.problem, assignment)
    let items = items(assignment, flows)
    let load = report.problem.load(assignment)
    let (curves, note) = layout.density == .chips ? chipCurves(flows, items) : nodeCurves(flows)
    let boxes = report.problem.nodes.indices.map { box($0, items[$0], load) }.joined()
    let content = items.enumerated().map { n, items in
      let drawn = items.map { item in layout.density == .chips ? chip(item, n) : dot(item) }.joined()
      return layout.density == .cells ? "" : "<g data-n=\"\(n)\">\(drawn)</g>" as Markup
    }.joined()
    let density = layout.density == .chips ? "chips" : "dots"
    let svg: Markup = """
      <svg class="graph \(density)" viewBox="0 0 \(layout.width) \(layout.height)" role="img" aria-label="\(label)">
      \(layout.zones.map(zone).joined())\(boxes)<g class="flows">\(curves)</g>\(content)</svg>
      """
    return (svg, note)
  }

  private func items(_ assignment: Assignment, _ flows: TrafficFlows) -> [[Item]] {
    var items: [[Item]] = Array(repeating: [], count: report.problem.nodes.count)
    for (w, placed) in assignment.placed.enumerated() {
      for (i, place) in placed.enumerated() {
        items[place.node].append(
          Item(
            workload: w,
            replicas: place.replicas,
            localTraffic: flows.local[w][i],
            traffic: flows.total[w][i]
          )
        )
      }
    }
    for n in items.indices {
      items[n].sort { ranks[$0.workload] < ranks[$1.workload] }
      for i in items[n].indices { items[n][i].frame = layout.item(i, in: n) }
    }
    return items
  }

  // MARK: - Boxes

  private func zone(_ zone: Int, _ frame: GraphLayout.Frame) -> Markup {
    """
    <g class="zone"><rect x="\(frame.x)" y="\(frame.y)" width="\(frame.width)" height="\(frame.height)" rx="10"/>\
    <text x="\(frame.x + 12)" y="\(frame.y + (layout.density == .chips ? 18 : 14))">\
    \(report.problem.zones[zone].truncatedInMiddle(to: max(8, Int(saturating: frame.width / 7.5))))</text></g>
    """
  }

  private func box(_ n: Int, _ items: [Item], _ load: [Int64]) -> Markup {
    let frame = layout.nodes[n]
    let name = report.problem.nodes[n].name
    let (fullest, utilization) = report.fullestResource(n, load)
    let replicas = items.reduce(0) { $0 + $1.replicas }
    var title = "\(name): \(Human.count(replicas, "replica")) of \(Human.count(items.count, "workload"))"
    if let fullest { title += ", \(Human.percent(utilization)) of \(report.problem.resources[fullest])" }
    let isChips = layout.density == .chips
    let letters = Int(saturating: (frame.width - (isChips ? 18 : 4)) / (isChips ? 8 : 5.2))
    let label: Markup =
      layout.metrics.boxHeader >= 12
      ? """
      <text x="\(frame.x + (isChips ? 9 : 3))" y="\(frame.y + (isChips ? 18 : 10))">\
      \(nodeLabels.label(n, within: letters))</text>
      """
      : ""
    let bar = isChips ? 150.0 : frame.width - 6
    let barX = frame.x + (isChips ? 9 : 3)
    let barWidth = min(bar, frame.width - (isChips ? 18 : 6))
    let barY = frame.y + (isChips ? 24 : 2 - 0.5)
    let gauge: Markup = """
      <rect class="track" x="\(barX)" y="\(barY)" width="\(barWidth)" height="\(isChips ? 3 : 1.5)"/>\
      <rect class="gauge\(utilization > 1 + 1e-9 ? " over" : "")" x="\(barX)" y="\(barY)" \
      width="\(barWidth * min(1, utilization))" height="\(isChips ? 3 : 1.5)"/>
      """
    let tint = layout.density == .cells ? " \(tintClass(localShare(items)))" : ""
    return """
      <g class="node\(tint)" data-n="\(n)"><title>\(title)</title>\
      <rect class="box" x="\(frame.x)" y="\(frame.y)" width="\(frame.width)" height="\(frame.height)" \
      rx="\(isChips ? 8 : 3)"/>\(label)\(gauge)</g>
      """
  }

  private func localShare(_ items: [Item]) -> Double? {
    let traffic = items.reduce(0) { $0 + $1.traffic }
    return traffic > 0 ? min(1, items.reduce(0) { $0 + $1.localTraffic } / traffic) : nil
  }

  /// Eleven steps from all traffic leaving the node to none.
  private func tintClass(_ share: Double?) -> String {
    share.map { "l\(Int(saturating: ($0 * 10).rounded(.down)))" } ?? "l"
  }

  private func chip(_ item: Item, _ n: Int) -> Markup {
    let frame = item.frame
    let name = report.names[item.workload]
    let count = item.replicas > 1 ? "×\(item.replicas)" : ""
    let letters = Int(saturating: (frame.width - 18 - Double(count.count) * 7) / 6.8)
    let badge: Markup =
      count.isEmpty ? "" : "<text class=\"count\" x=\"\(frame.maxX - 7)\" y=\"\(frame.y + 15)\">\(count)</text>"
    let local = item.localShare.map { ", \(Human.percent($0)) of its traffic here stays on the node" } ?? ""
    return """
      <g class="chip \(tintClass(item.localShare))" data-w="\(item.workload)" tabindex="0">\
      <title>\(name): \(Human.count(item.replicas, "replica")) on \(nodeName(n))\(local)</title>\
      <rect x="\(frame.x)" y="\(frame.y)" width="\(frame.width)" height="\(frame.height)" rx="5"/>\
      <rect class="edge" x="\(frame.x)" y="\(frame.y + 4)" width="3" height="\(frame.height - 8)" rx="1.5"/>\
      <text x="\(frame.x + 9)" y="\(frame.y + 15)">\(report.names.short(item.workload, within: letters))</text>\(badge)</g>
      """
  }

  private func dot(_ item: Item) -> Markup {
    let frame = item.frame
    return """
      <rect class="dot \(tintClass(item.localShare))" data-w="\(item.workload)" data-r="\(item.replicas)" \
      x="\(frame.x)" y="\(frame.y)" width="\(frame.width)" height="\(frame.height)" rx="1.5"/>
      """
  }

  // MARK: - Curves

  /// How wide a curve is: by the square root of its traffic, so that light traffic can still be seen.
  private func strokeWidth(_ traffic: Double, most: Double) -> Double {
    0.9 + 6 * (traffic / max(most, 1e-300)).squareRoot()
  }

  /// A curve for each flow between two chips.
  private func chipCurves(_ flows: TrafficFlows, _ items: [[Item]]) -> (Markup, String) {
    let frames = items.map { items in
      Dictionary(items.map { ($0.workload, $0.frame) }, uniquingKeysWith: { first, _ in first })
    }
    let shown = flows.flows.prefix(Self.mostCurves)
    // Heavy ones are drawn last, over the light.
    let curves = shown.reversed().compactMap { flow -> Markup? in
      let edge = report.problem.edges[flow.edge]
      guard let from = frames[flow.source][edge.u], let to = frames[flow.destination][edge.v] else { return nil }
      let path = flow.isLocal ? bow(from, to) : link(flow, from, to)
      let place = flow.isLocal ? "stays on" : "crosses between"
      let ends = flow.isLocal ? nodeName(flow.source) : "\(nodeName(flow.source)) and \(nodeName(flow.destination))"
      return """
        <path class="flow \(kind(flow))" data-u="\(edge.u)" data-v="\(edge.v)" d="\(path)" \
        stroke-width="\(strokeWidth(flow.traffic, most: heaviest))"><title>\
        \(report.names[edge.u]) ↔ \(report.names[edge.v]): \
        \(Human.traffic(flow.traffic, unit: report.problem.trafficUnit)) \(place) \(ends)</title></path>
        """
    }
    return (curves.joined(), note(shown.map(\.traffic), flows.flows.map(\.traffic), "flows"))
  }

  /// A curve for all traffic between two nodes.
  private func nodeCurves(_ flows: TrafficFlows) -> (Markup, String) {
    struct Pair: Hashable {
      var low: Int
      var high: Int
    }
    var traffic: [Pair: Double] = [:]
    for flow in flows.flows where !flow.isLocal {
      traffic[Pair(low: min(flow.source, flow.destination), high: max(flow.source, flow.destination)), default: 0] +=
        flow.traffic
    }
    let all = traffic.sorted { a, b in
      a.value == b.value ? (a.key.low, a.key.high) < (b.key.low, b.key.high) : a.value > b.value
    }
    let shown = all.prefix(Self.mostCurves / 2)
    let most = report.problem.edges.isEmpty ? 1 : max(all.first?.value ?? 1, heaviest)
    let curves = shown.reversed().map { pair, traffic -> Markup in
      let (a, b) = (layout.nodes[pair.low], layout.nodes[pair.high])
      let bend = 0.12
      let control = (
        x: (a.midX + b.midX) / 2 - (b.midY - a.midY) * bend, y: (a.midY + b.midY) / 2 + (b.midX - a.midX) * bend
      )
      return """
        <path class="flow \(kind(pair.low, pair.high))" data-a="\(pair.low)" data-b="\(pair.high)" \
        d="M\(a.midX) \(a.midY)Q\(control.x) \(control.y) \(b.midX) \(b.midY)" \
        stroke-width="\(strokeWidth(traffic, most: most) / 2)"><title>\(nodeName(pair.low)) ↔ \(nodeName(pair.high)): \
        \(Human.traffic(traffic, unit: report.problem.trafficUnit))</title></path>
        """
    }
    return (curves.joined(), note(shown.map(\.value), all.map(\.value), "pairs of nodes"))
  }

  private func note(_ shown: [Double], _ all: [Double], _ noun: String) -> String {
    guard shown.count < all.count else { return "" }
    let share = shown.reduce(0, +) / max(all.reduce(0, +), 1e-300)
    return "Drawn are the \(Human.grouped(shown.count)) heaviest of \(Human.grouped(all.count)) \(noun), "
      + "\(Human.percent(share)) of that traffic."
  }

  private func kind(_ flow: TrafficFlow) -> String { flow.isLocal ? "local" : kind(flow.source, flow.destination) }

  private func kind(_ a: Int, _ b: Int) -> String {
    report.problem.nodes[a].zone == report.problem.nodes[b].zone ? "cross" : "cross far"
  }

  private func nodeName(_ n: Int) -> String { report.problem.nodes[n].name }

  /// From chip to chip in one box, through the gutter right of the chips; wider for chips far apart.
  private func bow(_ a: GraphLayout.Frame, _ b: GraphLayout.Frame) -> Markup {
    let steps = (a.midY - b.midY).magnitude / layout.metrics.itemHeight
    let reach = min(GraphLayout.gutter * 1.25, 9 + steps * 5)
    return "M\(a.maxX) \(a.midY)C\(a.maxX + reach) \(a.midY) \(b.maxX + reach) \(b.midY) \(b.maxX) \(b.midY)"
  }

  /// From chip to chip in different boxes: straight through the gap between them where they are neighbours, and
  /// otherwise through the gaps around the boxes in between, so that no curve seems to end where it only passes.
  private func link(_ flow: TrafficFlow, _ a: GraphLayout.Frame, _ b: GraphLayout.Frame) -> Markup {
    let isInOrder = a.x <= b.x
    let (left, right) = isInOrder ? (a, b) : (b, a)
    let (leftBox, rightBox) = (
      layout.nodes[isInOrder ? flow.source : flow.destination], layout.nodes[isInOrder ? flow.destination : flow.source]
    )
    let pitch = layout.metrics.pitch
    // Curves that share a gap keep a little apart.
    let lane = Double(flow.edge % 5) * 3
    if rightBox.x - leftBox.x < pitch / 2 {
      let x = leftBox.x - 5 - lane
      return rounded([(left.x, left.midY), (x, left.midY), (x, right.midY), (right.x, right.midY)])
    }
    if rightBox.x - leftBox.x > pitch * 1.5 {
      let y = (leftBox.maxY <= rightBox.maxY ? leftBox : rightBox).maxY + 8 + lane * 1.4
      let (out, into) = (leftBox.maxX + 5 + lane, rightBox.x - 5 - lane)
      return rounded([
        (left.maxX, left.midY), (out, left.midY), (out, y), (into, y), (into, right.midY), (right.x, right.midY),
      ])
    }
    let reach = max(24, (right.x - left.maxX) * 0.5)
    return """
      M\(left.maxX) \(left.midY)C\(left.maxX + reach) \(left.midY) \(right.x - reach) \(right.midY) \
      \(right.x) \(right.midY)
      """
  }

  /// A path along points with rounded corners.
  private func rounded(_ points: [(x: Double, y: Double)]) -> Markup {
    var path: Markup = "M\(points[0].x) \(points[0].y)"
    for i in points.indices.dropFirst().dropLast() {
      let (before, corner, after) = (points[i - 1], points[i], points[i + 1])
      func toward(_ other: (x: Double, y: Double)) -> (x: Double, y: Double) {
        let (dx, dy) = (other.x - corner.x, other.y - corner.y)
        let length = max(dx.magnitude, dy.magnitude)
        guard length > 0 else { return corner }
        let radius = min(9, length / 2)
        return (corner.x + dx / length * radius, corner.y + dy / length * radius)
      }
      let (start, end) = (toward(before), toward(after))
      path += "L\(start.x) \(start.y)Q\(corner.x) \(corner.y) \(end.x) \(end.y)"
    }
    if let last = points.last { path += "L\(last.x) \(last.y)" }
    return path
  }
}

extension PlanReport {
  /// The resource of which a node has the highest utilization, and that utilization.
  func fullestResource(_ n: Int, _ load: [Int64]) -> (resource: Int?, utilization: Double) {
    var fullest: (resource: Int?, utilization: Double) = (nil, 0)
    for k in problem.resources.indices {
      let utilization = utilization(n, k, load)
      if fullest.resource == nil || utilization > fullest.utilization { fullest = (k, utilization) }
    }
    return fullest
  }

  /// What of a resource of a node is in use, as a share of what the node can give.
  func utilization(_ n: Int, _ k: Int, _ load: [Int64]) -> Double {
    let i = n * problem.resources.count + k
    return problem.allocatable[i] > 0 ? Double(load[i]) / Double(problem.allocatable[i]) : 0
  }
}
