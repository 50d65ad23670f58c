extension Scenario {
  /// The scenario as YAML, all of its fields, to be changed and read again.
  public var yaml: String {
    func list<Value>(_ values: [Value], _ text: (Value) -> String) -> String {
      "[\(values.map(text).joined(separator: ", "))]"
    }
    let number = ScenarioText.number
    let quoted = ScenarioText.quoted
    func range(_ range: ClosedRange<Double>) -> String { "[\(number(range.lowerBound)), \(number(range.upperBound))]" }

    var lines = ["name: \(quoted(name))"]
    if !abstract.isEmpty { lines.append("abstract: \(quoted(abstract))") }
    lines.append("servers:")
    for group in servers {
      lines.append("- count: \(group.count)")
      lines.append("  cores: \(group.cores)          # requests worked on at a time; the others wait")
      lines.append("  tellsCores: \(group.tellsCores)  # whether selectors know that number")
      lines.append("  speed: \(number(group.speed))")
      if let noise = group.noise {
        lines.append("  noise:            # factors of the speed, drawn anew now and then")
        lines.append("    noisyShare: \(number(noise.noisyShare))")
        lines.append("    noisy: \(list(noise.noisy, range))")
        lines.append("    quiet: \(list(noise.quiet, range))")
        lines.append("    redrawSeconds: \(range(noise.redrawSeconds))")
      }
      lines.append("  failureShare: \(number(group.failureShare))")
      if !group.nodes.isEmpty { lines.append("  nodes: \(list(group.nodes, quoted))") }
      if let zone = group.zone { lines.append("  zone: \(quoted(zone))") }
    }
    lines.append("workMs: \(number(workMs))  # mean work of a request at speed 1, exponential")
    lines.append("clients: \(list(clients, String.init))")
    lines.append("selectors: \(list(selectors, String.init))")
    if !clientNodes.isEmpty {
      lines.append("clientNodes:")
      for client in clientNodes {
        lines.append("- node: \(quoted(client.node))")
        if let zone = client.zone { lines.append("  zone: \(quoted(zone))") }
      }
    }
    let tiers = zip(["node", "zone", "cluster", "remote"], networkMs).map { "\($0): \(number($1))" }
    lines.append("networkMs: {\(tiers.joined(separator: ", "))}  # there and back")
    if let reports {
      lines.append("reports: {everyMs: \(number(reports.everyMs)), delayMs: \(number(reports.delayMs))}")
    }
    lines.append("digestMs: \(number(digestMs))  # between exchanges of several selectors")
    lines.append("warmUpSeconds: \(number(warmUpSeconds))")
    lines.append("measuredSeconds: \(number(measuredSeconds))")
    lines.append("timeoutSeconds: \(number(timeoutSeconds))")
    lines.append("capacity: \(number(requestsPerSecond))  # requests per second at load 1")
    lines.append("loads: \(list(loads, number))")
    return lines.joined(separator: "\n") + "\n"
  }
}

/// How numbers and texts are written in a scenario.
enum ScenarioText {
  /// A number without a fraction that is none.
  static func number(_ value: Double) -> String {
    Int(exactly: value).map { String($0) } ?? String(value)
  }

  /// A text that YAML cannot take for anything else.
  static func quoted(_ text: String) -> String {
    let isPlain = text.first?.isLetter == true && text.allSatisfy { $0.isLetter || $0.isNumber || "-_. ".contains($0) }
    let isWord = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
    if isPlain, !isWord, text.last != " " { return text }
    return "'" + text.replacing("'", with: "''") + "'"
  }
}
