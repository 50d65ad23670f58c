import Yams

/// A value in a scenario's YAML, and where it stands: whatever it is taken for, an error names it.
struct ScenarioField {
  /// Such as `servers[1].cores`; empty for the whole file.
  let path: String
  private let node: Node
  private let file: String

  /// The whole of a text. Throws where it is not YAML, or empty.
  init(text: String, file: String) throws(SimulationError) {
    do {
      guard let node = try Yams.compose(yaml: text) else {
        throw SimulationError(code: .badScenario, message: "\(file): is empty; expected a scenario")
      }
      self.init(path: "", node: node, file: file)
    } catch let error as SimulationError {
      throw error
    } catch {
      throw SimulationError(code: .badScenario, message: "\(file): is not YAML: \(error)")
    }
  }

  private init(path: String, node: Node, file: String) {
    self.path = path
    self.node = node
    self.file = file
  }

  /// An error that says what was expected.
  func expected(_ what: String) -> SimulationError {
    let line = node.mark.map { ":\($0.line)" } ?? ""
    let found =
      switch node {
      case .scalar(let scalar): "'\(scalar.string)'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return SimulationError(
      code: .badScenario,
      message: "\(file)\(line): \(path.isEmpty ? "scenario" : path): found \(found), expected \(what)")
  }

  /// The fields by name, all of them among those that are known.
  func fields(_ known: [String]) throws(SimulationError) -> [String: ScenarioField] {
    guard case .mapping(let mapping) = node else { throw expected("a mapping with \(known.joined(separator: ", "))") }
    var fields: [String: ScenarioField] = [:]
    for (key, value) in mapping {
      let name = key.string ?? ""
      let inside = ScenarioField(path: path.isEmpty ? name : "\(path).\(name)", node: value, file: file)
      guard known.contains(name) else {
        let line = key.mark.map { ":\($0.line)" } ?? ""
        throw SimulationError(
          code: .badScenario,
          message: "\(file)\(line): \(inside.path): unknown; expected one of \(known.joined(separator: ", "))")
      }
      fields[name] = inside
    }
    return fields
  }

  /// The elements of a list, at least so many.
  func list(atLeast count: Int = 0) throws(SimulationError) -> [ScenarioField] {
    guard case .sequence(let sequence) = node, sequence.count >= count else {
      throw expected(count == 0 ? "a list" : "a list of at least \(count)")
    }
    return sequence.enumerated().map { ScenarioField(path: "\(path)[\($0)]", node: $1, file: file) }
  }

  /// A number in a range.
  func number(_ range: ClosedRange<Double>) throws(SimulationError) -> Double {
    guard let number = node.float, range.contains(number) else {
      throw expected(
        "a number from \(ScenarioText.number(range.lowerBound)) to \(ScenarioText.number(range.upperBound))")
    }
    return number
  }

  /// A whole number in a range.
  func integer(_ range: ClosedRange<Int>) throws(SimulationError) -> Int {
    guard let number = node.int, range.contains(number) else {
      throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Two numbers in a range, the lower first.
  func range(_ bounds: ClosedRange<Double>) throws(SimulationError) -> ClosedRange<Double> {
    let ends = try list()
    guard ends.count == 2 else { throw expected("a list of two numbers, such as [0.3, 0.7]") }
    let (low, high) = (try ends[0].number(bounds), try ends[1].number(bounds))
    guard low <= high else { throw expected("the lower number first") }
    return low...high
  }

  func flag() throws(SimulationError) -> Bool {
    guard let flag = node.bool else { throw expected("true or false") }
    return flag
  }

  func text() throws(SimulationError) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw expected("a text") }
    return scalar.string
  }
}
