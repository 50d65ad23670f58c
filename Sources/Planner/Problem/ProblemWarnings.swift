/// Collects warnings; one that concerns many workloads becomes one sentence.
struct ProblemWarnings {
  private var messages: [String] = []
  private var subjects: [String: [String]] = [:]

  /// Adds a warning, about a workload, pod or node if a name is given.
  mutating func add(_ message: String, about subject: String? = nil) {
    if subjects[message] == nil {
      messages.append(message)
      subjects[message] = []
    }
    if let subject, subjects[message]?.last != subject { subjects[message]?.append(subject) }
  }

  /// The warnings in order of first appearance: `a, b and 3 more: message`.
  var sentences: [String] {
    messages.map { message in
      let names = subjects[message] ?? []
      return names.isEmpty ? message : "\(Self.list(names)): \(message)"
    }
  }

  /// Names the first few of many.
  static func list(_ names: [String], atMost count: Int = 5) -> String {
    guard names.count > count + 1 else { return names.joined(separator: ", ") }
    return names[..<count].joined(separator: ", ") + " and \(names.count - count) more"
  }
}
