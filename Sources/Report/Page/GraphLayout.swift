import Model
import Placement

/// Where everything goes in a picture of a placement: nodes as boxes, zones around them, workloads in the boxes. The
/// pictures of before and after share one layout, so that a node is in the same place in both.
struct GraphLayout {
  /// How much a picture shows of each workload on a node.
  enum Density {
    /// A chip with its name and a curve for each flow of traffic.
    case chips
    /// A square, and a curve for all traffic between two nodes.
    case dots
    /// Nothing: the node's box as a whole tells how local its traffic is.
    case cells
  }

  struct Frame: Equatable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var midX: Double { x + width / 2 }
    var midY: Double { y + height / 2 }
    var maxX: Double { x + width }
    var maxY: Double { y + height }
  }

  let density: Density
  let width: Double
  private(set) var height = 0.0
  /// The box of each node.
  private(set) var nodes: [Frame]
  /// The frame of each zone that has nodes.
  private(set) var zones: [(zone: Int, frame: Frame)] = []

  /// Sizes that go with a density.
  struct Metrics {
    /// How many boxes fit side by side.
    var columns: Int
    /// From the middle of a box to the middle of the next.
    var pitch: Double
    var zonePadding: Double
    var zoneGap: Double
    var zoneHeader: Double
    var boxHeader: Double
    /// Width and height of a workload in its box, with the space around it.
    var itemWidth: Double
    var itemHeight: Double
    var boxPadding: Double
    var rowGap: Double
    /// Room below a row of boxes for curves that pass it.
    var lanes: Double
    var boxWidth: Double { pitch - 2 * zonePadding - zoneGap }
    var itemsPerRow: Int { max(1, Int(saturating: (boxWidth - 2 * boxPadding) / itemWidth)) }

    /// For squares instead of chips.
    static func small(columns: Int, width: Double) -> Metrics {
      let pitch = width / Double(columns)
      return Metrics(
        columns: columns,
        pitch: pitch,
        zonePadding: 3,
        zoneGap: 4,
        zoneHeader: 20,
        boxHeader: pitch < 44 ? 4 : 15,
        itemWidth: 8,
        itemHeight: 8,
        boxPadding: 3,
        rowGap: 5,
        lanes: 0
      )
    }

    func boxHeight(items: Int) -> Double {
      let rows = max(1, (items + itemsPerRow - 1) / itemsPerRow)
      return boxHeader + Double(rows) * itemHeight + boxPadding
    }

    /// The height of so many boxes with so many items each.
    func height(boxes: Int, items: Int) -> Double {
      Double((boxes + columns - 1) / columns) * (boxHeight(items: items) + rowGap)
    }
  }

  let metrics: Metrics

  /// - Parameters:
  ///   - items: how many workloads each node shows, the most of all pictures that share the layout.
  ///   - isWide: whether one picture takes the width of the page.
  init(_ problem: Problem, items: [Int], isWide: Bool) {
    let count = problem.nodes.count
    let total = items.reduce(0, +)
    let width = isWide ? 1240.0 : 610
    self.width = width
    if count <= 9, total <= 120, items.max() ?? 0 <= 24 {
      let columns = isWide ? 6 : 3
      density = .chips
      metrics = Metrics(
        columns: columns,
        pitch: width / Double(columns),
        zonePadding: 10,
        zoneGap: 10,
        zoneHeader: 26,
        boxHeader: 34,
        itemWidth: 200,
        itemHeight: 27,
        boxPadding: 8,
        rowGap: 14,
        lanes: count > 2 ? 24 : 0
      )
    } else {
      // A little more than the mean, because the fullest box makes the height of its row.
      let typical = total * 5 / max(1, count * 4)
      let best = (4...(isWide ? 40 : 20)).map { Metrics.small(columns: $0, width: width) }
        .min { $0.height(boxes: count, items: typical) < $1.height(boxes: count, items: typical) }
      let dots = best ?? Metrics.small(columns: 4, width: width)
      let fits = total <= 8000 && dots.height(boxes: count, items: typical) <= 1400
      density = fits ? .dots : .cells
      metrics = fits ? dots : Metrics.small(columns: isWide ? 48 : 24, width: width)
    }
    nodes = Array(repeating: Frame(x: 0, y: 0, width: 0, height: 0), count: count)
    place(problem, density == .cells ? items.map { _ in 2 } : items, metrics.columns)
  }

  /// Puts zones on shelves, side by side while they fit, and nodes into them.
  private mutating func place(_ problem: Problem, _ items: [Int], _ columns: Int) {
    var shelf: [(zone: Int, members: [Int], columns: Int)] = []
    var used = 0
    var y = 0.0
    for zone in problem.zones.indices {
      let members = problem.nodes.indices.filter { problem.nodes[$0].zone == zone }
      guard !members.isEmpty else { continue }
      let needed = min(columns, members.count)
      if used + needed > columns {
        y = place(shelf, items, problem, at: y, columns)
        (shelf, used) = ([], 0)
      }
      shelf.append((zone, members, needed))
      used += needed
    }
    height = max(0, place(shelf, items, problem, at: y, columns) - metrics.rowGap)
  }

  private mutating func place(
    _ shelf: [(zone: Int, members: [Int], columns: Int)], _ items: [Int], _ problem: Problem, at y: Double,
    _ columns: Int
  ) -> Double {
    // What a shelf does not fill is left free on both sides.
    var x = Double(columns - shelf.reduce(0) { $0 + $1.columns }) * metrics.pitch / 2
    let hasZones = problem.zones.count > 1
    let top = y + (hasZones ? metrics.zoneHeader : 0)
    let rows = shelf.map { ($0.members.count + $0.columns - 1) / $0.columns }.max() ?? 0
    let gap = metrics.rowGap + metrics.lanes
    let heights = (0..<rows).map { row in
      shelf.flatMap { $0.members.dropFirst(row * $0.columns).prefix($0.columns) }.map {
        metrics.boxHeight(items: items[$0])
      }.max()
        ?? 0
    }
    let tops = heights.indices.map { row in top + heights[..<row].reduce(0, +) + Double(row) * gap }
    let bottom = top + heights.reduce(0, +) + Double(max(0, rows - 1)) * gap + metrics.lanes
    for (zone, members, columns) in shelf {
      for (i, node) in members.enumerated() {
        nodes[node] = Frame(
          x: x + Double(i % columns) * metrics.pitch + metrics.zoneGap / 2 + metrics.zonePadding,
          y: tops[i / columns], width: metrics.boxWidth, height: heights[i / columns])
      }
      if hasZones {
        let height = bottom + metrics.zonePadding - y
        let width = Double(columns) * metrics.pitch - metrics.zoneGap
        zones.append((zone, Frame(x: x + metrics.zoneGap / 2, y: y, width: width, height: height)))
      }
      x += Double(columns) * metrics.pitch
    }
    return bottom + metrics.rowGap + (hasZones ? metrics.zonePadding : 0)
  }

  /// The frame of the `i`-th workload in a node's box.
  func item(_ i: Int, in node: Int) -> Frame {
    let box = nodes[node]
    switch density {
    case .chips:
      return Frame(
        x: box.x + metrics.boxPadding, y: box.y + metrics.boxHeader + Double(i) * metrics.itemHeight,
        width: box.width - 2 * metrics.boxPadding - Self.gutter, height: 22)
    case .dots, .cells:
      return Frame(
        x: box.x + metrics.boxPadding + Double(i % metrics.itemsPerRow) * metrics.itemWidth,
        y: box.y + metrics.boxHeader + Double(i / metrics.itemsPerRow) * metrics.itemHeight,
        width: metrics.itemWidth - 1.5, height: metrics.itemHeight - 1.5)
    }
  }

  /// Room right of the chips for curves of traffic that stays on the node.
  static let gutter = 24.0
}
