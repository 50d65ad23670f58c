import ArgumentParser
import Foundation
import Planner
import Report

/// What is shown, and where.
struct OutputOptions: ParsableArguments {
  /// The form of the result on standard output.
  enum Form: String, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml
  }

  /// How progress is shown on standard error.
  enum ProgressForm: String, CaseIterable, ExpressibleByArgument {
    case auto, json, none
  }

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "What to print: tables, wider tables, or the PlacementPlan alone. (default: table)",
      valueName: "form"
    )
  )
  var output: Form?

  @Option(
    help: ArgumentHelp("Write the PlacementPlan, as JSON where the name ends so, else as YAML.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var out: String?

  @Option(
    help: ArgumentHelp("Write a page with pictures that opens in any browser, without a network.", valueName: "file"),
    completion: .file(extensions: ["html"])
  )
  var report: String?

  @Option(help: "The name of the plan.")
  var name: String = "plan"

  @Option(help: "How to show progress: a line on a terminal, JSON lines, or not at all.")
  var progress: ProgressForm = .auto

  @Flag(name: .shortAndLong, help: "Print errors, and what -o asks for, alone.")
  var quiet = false

  private var form: Form? { output ?? (quiet ? nil : .table) }

  /// Whether the result goes nowhere in particular.
  var isDefault: Bool { output == nil && out == nil && report == nil }

  var progressMode: ProgressDisplay.Mode {
    switch progress {
    case .json: .json
    case .auto where Terminal.messages.takesControlCodes && !quiet: .line(ProgressLine(style: Terminal.messages.style))
    case .auto, .none: .none
    }
  }

  /// Refuses files that cannot be written, before any work is done.
  func check() throws {
    for path in [out, report].compactMap({ $0 }) { try OutputFile(path: path).check() }
  }

  /// Writes the files and prints the result. Warnings are part of the tables; otherwise they go to standard error.
  func deliver(_ plan: PlacementPlan, _ report: PlanReport) throws {
    if let out {
      let isJSON = out.lowercased().hasSuffix(".json")
      try OutputFile(path: out).write(isJSON ? plan.json() : plan.yaml())
    }
    if let path = self.report { try OutputFile(path: path).write(report.html()) }
    switch form {
    case .table: try Terminal.output.write(report.text(Terminal.output.style))
    case .wide: try Terminal.output.write(report.text(Terminal.output.style, isWide: true))
    case .json: try Terminal.output.write(plan.json())
    case .yaml: try Terminal.output.write(plan.yaml())
    case nil: break
    }
    guard form == .json || form == .yaml, !quiet else { return }
    for warning in report.warnings { Terminal.messages.write("tonari: warning: \("\(warning)".printable)\n") }
  }
}
