import Foundation
import Model

/// A chart of values over time or moves: steps, because a best one holds until there is a better one.
struct LineChart {
  /// What runs from left to right.
  struct Axis: Sendable {
    /// How a place on it is written below it.
    var tick: @Sendable (Double) -> String
    /// How it is said of a point.
    var phrase: @Sendable (Double) -> String

    /// Seconds.
    static let time = Axis(
      tick: { seconds in
        switch seconds {
        case 0: "0"
        case ..<1: Human.significant(seconds * 1000) + " ms"
        case ..<120: Human.significant(seconds) + " s"
        default: Human.duration(.seconds(saturating: seconds))
        }
      },
      phrase: { "after \(Human.duration(.seconds($0)))" })

    /// Moved replicas.
    static let moves = Axis(
      tick: { $0 == $0.rounded() ? Human.grouped(Int(saturating: $0)) : "" },
      phrase: { "with \(Human.count(Int(saturating: $0), "move"))" })
  }

  struct Series {
    /// Its name, and its class in the style sheet.
    var name: String
    var style: String
    /// Points by time in seconds, or by what the axis counts.
    var points: [(time: Double, value: Double)]
  }

  var title: String
  var series: [Series]
  /// Whether the area between the first two series is tinted.
  var fillsBetween = false
  var range: ClosedRange<Double>
  var format: (Double) -> String
  var axis: Axis

  private let width = 600.0
  private let height = 230.0
  private let left = 62.0
  private let right = 14.0
  private let top = 12.0
  private let bottom = 30.0

  init(
    title: String, series: [Series], fillsBetween: Bool = false, range: ClosedRange<Double>? = nil,
    axis: Axis = .time, format: @escaping (Double) -> String
  ) {
    self.axis = axis
    self.title = title
    self.series = series
    self.fillsBetween = fillsBetween
    self.format = format
    let values = series.flatMap { $0.points.map(\.value) }
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let room = max(high - low, abs(high) * 1e-3, 1e-9) * 0.06
    self.range = range ?? (low >= 0 ? max(0, low - room) : low - room)...(high + room)
  }

  private var times: [Double] { series.flatMap { $0.points.map(\.time) } }
  private var lastTime: Double { max(times.max() ?? 0, 1e-3) }
  private var firstTime: Double { max(times.filter { $0 > 0 }.min() ?? lastTime, 1e-3) }
  /// Progress slows down as a search goes on; over a long one the time axis is logarithmic, so that its start is seen.
  private var isLogarithmic: Bool { lastTime / firstTime > 200 }

  private func x(_ time: Double) -> Double {
    let share =
      isLogarithmic
      ? log10(max(time, firstTime) / firstTime) / log10(lastTime / firstTime)
      : time / lastTime
    return left + share * (width - left - right)
  }

  private func y(_ value: Double) -> Double {
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    return top + (1 - min(1, max(0, share))) * (height - top - bottom)
  }

  func render() -> Markup {
    let curves = series.map { series in
      "<path class=\"line \(series.style)\" d=\"\(path(series.points))\"/>" as Markup
    }.joined()
    let ends = series.compactMap { series -> Markup? in
      guard let last = series.points.last else { return nil }
      return """
        <circle class="end \(series.style)" cx="\(x(last.time))" cy="\(y(last.value))" r="3.5">\
        <title>\(series.name): \(format(last.value)) \(axis.phrase(last.time))</title></circle>
        """
    }.joined()
    return """
      <svg class="chart" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(title): \(summary)">\
      \(axes)\(area)\(curves)\(ends)</svg>
      """
  }

  private var summary: String {
    series.compactMap { series in
      guard let first = series.points.first, let last = series.points.last else { return nil }
      return "\(series.name) from \(format(first.value)) to \(format(last.value))"
    }.joined(separator: ", ")
  }

  private func path(_ points: [(time: Double, value: Double)]) -> Markup {
    guard let first = points.first else { return "" }
    var path: Markup = "M\(x(first.time)) \(y(first.value))"
    for point in points.dropFirst() { path += "H\(x(point.time))V\(y(point.value))" }
    path += "H\(x(lastTime))"
    return path
  }

  private var area: Markup {
    guard fillsBetween, series.count > 1, let start = series[0].points.first, let end = series[1].points.first else {
      return ""
    }
    // Along the first, then back along the second from where the first begins.
    let from = max(start.time, end.time)
    var back: Markup = ""
    let lower = series[1].points
    for i in lower.indices.reversed() where lower[i].time >= from {
      back += "H\(x(lower[i].time))V\(y(i > 0 ? lower[i - 1].value : lower[i].value))"
    }
    let last = lower.last?.value ?? 0
    return "<path class=\"between\" d=\"\(path(series[0].points))V\(y(last))\(back)H\(x(start.time))Z\"/>"
  }

  private var axes: Markup {
    let rows = Self.ticks(range.lowerBound, range.upperBound, about: 4).map { value in
      """
      <line class="grid" x1="\(left)" x2="\(width - right)" y1="\(y(value))" y2="\(y(value))"/>\
      <text class="tick" x="\(left - 8)" y="\(y(value) + 4)" text-anchor="end">\(format(value))</text>
      """ as Markup
    }
    let ticks = isLogarithmic ? decades : Self.ticks(0, lastTime, about: 5)
    let columns = ticks.map { time in
      """
      <line class="notch" x1="\(x(time))" x2="\(x(time))" y1="\(height - bottom)" y2="\(height - bottom + 4)"/>\
      <text class="tick" x="\(x(time))" y="\(height - bottom + 18)" text-anchor="middle">\
      \(axis.tick(time))</text>
      """ as Markup
    }
    return """
      \(rows.joined())<line class="axis" x1="\(left)" x2="\(width - right)" y1="\(height - bottom)" \
      y2="\(height - bottom)"/>\(columns.joined())
      """
  }

  private var decades: [Double] {
    var decades: [Double] = []
    var decade = 1e-3
    while decade <= lastTime {
      if decade >= firstTime { decades.append(decade) }
      decade *= 10
    }
    return decades
  }

  /// Round values from `low` to `high`, about so many.
  static func ticks(_ low: Double, _ high: Double, about count: Int) -> [Double] {
    let span = high - low
    guard span > 0, span.isFinite else { return [low] }
    let rough = span / Double(count)
    let power = pow(10, log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.min { abs($0 - rough) < abs($1 - rough) } ?? power
    let first = (low / step).rounded(.up)
    return (0...20).map { (first + Double($0)) * step }.filter { $0 <= high + step * 1e-9 }
  }
}
