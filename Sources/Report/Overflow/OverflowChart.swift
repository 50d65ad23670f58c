import Model

/// An ``OverflowSeries`` as a picture: what was served where as areas on top of each other, the demand and the capacity as
/// lines; and below, where it is known, the response time.
struct OverflowChart {
  private static let mostPoints = 400
  private static let hues = 4

  /// What it shows.
  let series: OverflowSeries
  private let highest: Double
  private let first: Double
  private let last: Double
  private let slowest: Double?

  private let width = 760.0
  private let left = 62.0
  private let right = 14.0
  private let top = 12.0
  private let flowHeight = 210.0
  private let gap = 34.0
  private let timeHeight = 74.0
  private let bottom = 30.0

  /// Makes a picture.
  ///
  /// - Parameters:
  ///   - series: What it shows.
  ///   - highest: The rate that the axis reaches, so that several pictures compare; nil for the series' own.
  ///   - slowest: The response time that the axis reaches, in seconds; nil for the series' own.
  init(_ series: OverflowSeries, highest: Double? = nil, slowest: Double? = nil) {
    let series = series.drawable(most: Self.mostPoints)
    self.series = series
    self.highest = highest ?? Self.highest(series)
    self.slowest = Self.slowest(series).map { slowest ?? $0 }
    first = series.points.first?.time ?? 0
    last = max(series.points.last?.time ?? 1, first + 1e-3)
  }

  /// The highest rate of a drawable series.
  private static func highest(_ series: OverflowSeries) -> Double {
    max(1, series.capacity ?? 0, series.points.map { max($0.total, $0.demand) }.max() ?? 0)
  }

  /// The longest response time of a drawable series, in seconds; nil where none is known.
  private static func slowest(_ series: OverflowSeries) -> Double? {
    series.points.compactMap(\.responseTime).max().map { max($0, 1e-3) }
  }

  /// A picture of each series, all on the same scales.
  static func charts(of all: [OverflowSeries]) -> [OverflowChart] {
    let drawable = all.map { $0.drawable(most: mostPoints) }
    let (highest, slowest) = (drawable.map(Self.highest).max(), drawable.compactMap(Self.slowest).max())
    return drawable.map { OverflowChart($0, highest: highest, slowest: slowest) }
  }

  /// How high it is, in the units of its `viewBox`.
  var height: Double { top + flowHeight + (slowest == nil ? 0 : gap + timeHeight) + bottom }
  /// How wide it is.
  var size: (width: Double, height: Double) { (width, height) }

  private func x(_ time: Double) -> Double { left + (time - first) / (last - first) * (width - left - right) }
  private func y(_ rate: Double) -> Double { top + (1 - min(1, max(0, rate / highest / 1.05))) * flowHeight }
  private func y(seconds: Double, of slowest: Double) -> Double {
    top + flowHeight + gap + (1 - min(1, max(0, seconds / slowest / 1.05))) * timeHeight
  }

  /// The picture as an `svg` element.
  func render() -> Markup {
    """
    <svg class="chart overflow" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" role="img" \
    aria-label="\(summary)">\(content)</svg>
    """
  }

  /// What is in the picture.
  var content: Markup { "\(rows)\(areas)\(lines)\(responseTimes)\(columns)" }

  private var summary: String {
    let most = series.points.map(\.demand).max() ?? 0
    let out = series.points.map { $0.remote.reduce(0, +) }.max() ?? 0
    return "\(series.name): at most \(Human.number(most)) requests per minute, \(Human.number(out)) of them overflowed"
  }

  // MARK: - Rates

  /// A part of the stack: its name, its class, and what it is at a point.
  private struct Layer {
    var name: String
    var style: String
    var value: (OverflowSeries.Point) -> Double
  }

  private var layers: [Layer] {
    let remote = series.neighbours.enumerated().map { k, name in
      Layer(name: name, style: "remote r\(k % Self.hues)") { $0.remote[k] }
    }
    let local = Layer(name: "here", style: "local") { $0.local }
    return [local] + remote + [Layer(name: "turned away", style: "shed") { $0.shed }]
  }

  private var areas: Markup {
    var floor = series.points.map { _ in 0.0 }
    var areas: [Markup] = []
    for layer in layers {
      let ceiling = zip(floor, series.points).map { $0 + max(0, layer.value($1)) }
      if zip(floor, ceiling).contains(where: { $1 > $0 }) {
        let upper = zip(series.points, ceiling).map { (x($0.time), y($1)) }
        let lower = zip(series.points, floor).map { (x($0.time), y($1)) }
        let most = series.points.map(layer.value).max() ?? 0
        areas.append(
          """
          <path class="area \(layer.style)" d="\(path(upper + lower.reversed()))Z">\
          <title>\(layer.name): at most \(Human.number(most)) per minute</title></path>
          """)
      }
      floor = ceiling
    }
    return areas.joined()
  }

  private var lines: Markup {
    let demand = path(series.points.map { (x($0.time), y($0.demand)) })
    var lines: Markup = "<path class=\"demand\" d=\"\(demand)\"><title>demand</title></path>"
    if let capacity = series.capacity {
      lines += """
        <path class="capacity" d="\(path([(left, y(capacity)), (width - right, y(capacity))]))">\
        <title>capacity here: \(Human.number(capacity)) per minute</title></path>
        """
    }
    return lines
  }

  // MARK: - Response times

  private var responseTimes: Markup {
    guard let slowest else { return "" }
    let known = series.points.compactMap { point in point.responseTime.map { (point.time, $0) } }
    let line = path(known.map { (x($0.0), y(seconds: $0.1, of: slowest)) })
    let ticks = LineChart.ticks(0, slowest, about: 2).map { value in
      row(y(seconds: value, of: slowest), Human.duration(.seconds(saturating: value)))
    }
    return """
      \(ticks.joined())<text class="tick" x="\(left)" y="\(top + flowHeight + gap - 8)">mean response time</text>\
      <path class="response" d="\(line)"><title>mean response time</title></path>
      """
  }

  // MARK: - Axes

  private var rows: Markup {
    LineChart.ticks(0, highest, about: 4).map { row(y($0), Human.number($0)) }.joined()
  }

  private func row(_ y: Double, _ label: String) -> Markup {
    """
    <line class="grid" x1="\(left)" x2="\(width - right)" y1="\(y)" y2="\(y)"/>\
    <text class="tick" x="\(left - 8)" y="\(y + 4)" text-anchor="end">\(label)</text>
    """
  }

  private var columns: Markup {
    let unit = last - first > 240 ? 60.0 : 1
    let ticks = LineChart.ticks(0, (last - first) / unit, about: 8).map { tick in
      """
      <line class="notch" x1="\(x(first + tick * unit))" x2="\(x(first + tick * unit))" y1="\(height - bottom)" \
      y2="\(height - bottom + 4)"/>\
      <text class="tick" x="\(x(first + tick * unit))" y="\(height - bottom + 18)" text-anchor="middle">\
      \(Human.number(tick)) \(unit == 60 ? "min" : "s")</text>
      """ as Markup
    }
    return """
      <line class="axis" x1="\(left)" x2="\(width - right)" y1="\(height - bottom)" y2="\(height - bottom)"/>\
      \(ticks.joined())
      """
  }

  private func path(_ points: [(x: Double, y: Double)]) -> Markup {
    guard let first = points.first else { return "" }
    var path: Markup = "M\(first.x) \(first.y)"
    for point in points.dropFirst() { path += "L\(point.x) \(point.y)" }
    return path
  }

  /// What the areas and lines mean.
  var legend: Markup {
    let parts = layers.map { "<li><i class=\"swatch \($0.style)\"></i>\($0.name)</li>" as Markup }.joined()
    return "<ul class=\"legend\">\(parts)<li><i class=\"swatch demand\"></i>demand</li></ul>"
  }
}
