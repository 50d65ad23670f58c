import Foundation
import Model
import Simulation

/// The runs of a simulation as an SVG drawing: means over the seeds, milliseconds on a logarithmic scale. With four loads
/// or more a line for each policy shows its mean latency over the load; with fewer a panel for each load shows each
/// policy's quantiles.
struct SimulationChart {
  /// A line, and the name at its end.
  private struct Line {
    var name: String
    var values: [Double]
  }

  private struct Panel {
    var title: String
    var ticks: [String]
    var lines: [Line]
  }

  private let title: String
  private let panels: [Panel]
  private static let colours = [
    "#0d7f73", "#d9580b", "#3b6fb6", "#8a5bb5", "#b3261e", "#7a7f2a", "#5c636b", "#c2558f", "#2a9bb0", "#946b3d",
  ]
  private static let size = (width: 420.0, height: 300.0, left: 60.0, top: 54.0, right: 190.0, bottom: 46.0)

  init(_ result: SimulationResult) {
    func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
      var seen: Set<Value> = []
      return values.filter { seen.insert($0).inserted }
    }
    let loads = unique(result.runs.map(\.load))
    let names = unique(result.runs.map(SimulationTable.name))
    func mean(_ name: String, _ load: Double, _ value: (RunResult) -> Double) -> Double {
      let runs = result.runs.filter { $0.load == load && SimulationTable.name($0) == name }
      return runs.reduce(0) { $0 + value($1) } / Double(max(1, runs.count))
    }
    if loads.count >= 4 {
      title = "\(result.scenario): mean latency in ms over load"
      let lines = names.map { name in Line(name: name, values: loads.map { mean(name, $0, \.meanMs) }) }
      panels = [Panel(title: "", ticks: loads.map { "\($0)" }, lines: lines)]
    } else {
      title = "\(result.scenario): latency in ms"
      panels = loads.map { load in
        let lines = names.map { name in
          Line(
            name: name,
            values: [
              mean(name, load, \.p50Ms), mean(name, load, \.p90Ms), mean(name, load, \.p99Ms),
              mean(name, load, \.p999Ms),
            ])
        }
        return Panel(title: "load \(load)", ticks: ["p50", "p90", "p99", "p99.9"], lines: lines)
      }
    }
  }

  /// The drawing.
  var svg: String {
    let size = Self.size
    let width = size.left + size.width + size.right
    let height = size.top + size.height + size.bottom
    var parts = [
      #"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \#(pixels(width)) \#(pixels(height * Double(panels.count)))" "#
        + #"font-family="system-ui, sans-serif" font-size="12" fill="black">"#,
      #"<rect width="100%" height="100%" fill="white"/>"#,
      text(title, x: size.left, y: 22, #"font-size="15" font-weight="600""#),
    ]
    for (k, panel) in panels.enumerated() {
      parts.append(#"<g transform="translate(0 \#(pixels(Double(k) * height)))">"#)
      parts += draw(panel)
      parts.append("</g>")
    }
    return parts.joined(separator: "\n") + "\n</svg>\n"
  }

  private func draw(_ panel: Panel) -> [String] {
    let size = Self.size
    let values = panel.lines.flatMap(\.values).filter { $0 > 0 }
    let low = log10(values.min() ?? 1)
    let high = max(low + 0.1, log10(values.max() ?? 10))
    func x(_ index: Int) -> Double {
      size.left + size.width * Double(index) / Double(max(1, panel.ticks.count - 1))
    }
    func y(_ value: Double) -> Double {
      size.top + size.height * (high - log10(max(value, pow(10, low)))) / (high - low)
    }
    var parts: [String] = []
    if !panel.title.isEmpty { parts.append(text(panel.title, x: size.left, y: size.top - 12, #"font-weight="600""#)) }
    for exponent in Int(saturating: low.rounded(.down))...Int(saturating: high.rounded(.up)) {
      for step in [1.0, 2, 5] where (low...high).contains(log10(step) + Double(exponent)) {
        let value = step * pow(10, Double(exponent))
        parts.append(
          #"<path d="M\#(pixels(size.left)) \#(pixels(y(value)))h\#(pixels(size.width))" stroke="lightgray"/>"#)
        parts.append(text(String(format: "%g", value), x: size.left - 6, y: y(value) + 4, #"text-anchor="end""#))
      }
    }
    for (index, tick) in panel.ticks.enumerated() {
      parts.append(text(tick, x: x(index), y: size.top + size.height + 18, #"text-anchor="middle""#))
    }
    // Names stand beside the ends of their lines, moved apart where they would cover each other.
    var lowest = -Double.infinity
    let byEnd = panel.lines.enumerated().sorted { y($0.element.values.last ?? 0) < y($1.element.values.last ?? 0) }
    for (k, line) in byEnd {
      let colour = Self.colours[k % Self.colours.count]
      let points = line.values.enumerated().map { "\(pixels(x($0))),\(pixels(y($1)))" }.joined(separator: " ")
      parts.append(#"<polyline points="\#(points)" fill="none" stroke="\#(colour)" stroke-width="2"/>"#)
      lowest = max(lowest + 15, y(line.values.last ?? 0) + 4)
      parts.append(text(line.name, x: size.left + size.width + 8, y: lowest, #"fill="\#(colour)""#))
    }
    return parts
  }

  private func text(_ text: String, x: Double, y: Double, _ attributes: String) -> String {
    let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return #"<text x="\#(pixels(x))" y="\#(pixels(y))" \#(attributes)>\#(escaped)</text>"#
  }

  private func pixels(_ value: Double) -> String { String(format: "%.1f", value) }
}
