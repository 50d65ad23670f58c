extension Problem {
  /// The problem as data for `models/placement.mod`, in GLPK's MathProg:
  /// `glpsol -m models/placement.mod -d placement.dat` solves the same problem.
  ///
  /// Amounts of each resource are divided by the greatest common divisor of all requests, so that bytes do not drown in
  /// the solver's rounding. Names keep what MathProg can hold, and stay unique.
  public func exportModel() -> String {
    var data = ModelData()
    let nodeNames = ModelData.symbols(nodes.map(\.name))
    let zoneNames = ModelData.symbols(zones)
    let resourceNames = ModelData.symbols(resources)
    let workloadNames = ModelData.symbols(workloads.map(\.name))
    let partitionNames = ModelData.symbols(partitions.map(\.name))

    data.set("ZONES", zoneNames)
    data.set("RESOURCES", resourceNames)
    data.table("param: NODES: zone", nodes.indices.map { [nodeNames[$0], zoneNames[nodes[$0].zone]] })
    data.table(
      "param: WORKLOADS: replicas", workloads.indices.map { [workloadNames[$0], "\(workloads[$0].replicas)"] })

    let units = resources.indices.map { k in
      max(1, workloads.indices.reduce(0) { greatestCommonDivisor($0, requests[$1 * resources.count + k]) })
    }
    data.comment("amounts in units of " + zip(units, resources).map { "\($0) \($1)" }.joined(separator: ", "))
    var amounts: [[String]] = []
    for i in allocatable.indices {
      let (n, k) = i.quotientAndRemainder(dividingBy: resources.count)
      amounts.append([
        nodeNames[n], resourceNames[k], ModelData.quotient(allocatable[i], units[k]),
        ModelData.quotient(reserved[i], units[k]), "\(capacity(node: n, resource: k) / units[k])",
      ])
    }
    data.table("param: allocatable reserved capacity", amounts)
    data.table(
      "param request",
      requests.indices.filter { requests[$0] != 0 }.map { i in
        let (w, k) = i.quotientAndRemainder(dividingBy: resources.count)
        return [workloadNames[w], resourceNames[k], "\(requests[i] / units[k])"]
      })

    data.table(
      "param limit",
      workloads.indices.flatMap { w in
        nodes.indices.filter { startLimit(workload: w, node: $0) < workloads[w].replicas }.map {
          [workloadNames[w], nodeNames[$0], "\(startLimit(workload: w, node: $0))"]
        }
      })
    data.comment("traffic in \(trafficUnit.rawValue)")
    export(edges, to: &data, workloads: workloadNames)

    data.set("RUNNING", workloads.indices.filter { current[$0] != nil }.map { workloadNames[$0] })
    data.table(
      "param current",
      workloads.indices.flatMap { w in
        (current[w] ?? []).map { [workloadNames[w], nodeNames[$0.node], "\($0.replicas)"] }
      })
    data.table(
      "param evicted",
      evictedFrom.sorted { $0.key < $1.key }.flatMap { w, from in
        from.sorted().map { [workloadNames[w], nodeNames[$0], "1"] }
      })
    data.parameter("leavingNode", "\(weights.leavingNode)")
    data.parameter("leavingZone", "\(weights.leavingZone)")
    data.parameter("lambda", "\(weights.utilization)")
    data.parameter("mu", "\(weights.move)")
    data.parameter("maxMoves", "\(weights.maxMoves ?? -1)")

    let used = Set(rules.map(\.partition)).sorted()
    data.set("PARTITIONS", used.map { partitionNames[$0] })
    for p in used {
      let domains = 0..<partitions[p].count
      data.set("DOMAINS[\(partitionNames[p])]", domains.map { "\($0 + 1)" })
      for d in domains {
        let members = nodes.indices.filter { partitions[p].domain[$0] == Int32(d) }
        data.set("MEMBERS[\(partitionNames[p]),\(d + 1)]", members.map { nodeNames[$0] })
      }
    }
    export(rules, to: &data, workloads: workloadNames, partitions: partitionNames)
    return data.text + "\nend;\n"
  }

  private func export(_ edges: [Edge], to data: inout ModelData, workloads: [String]) {
    let isAlone = matrices.isEmpty
    data.table(
      "param: EDGES: u v" + (isAlone ? " traffic" : ""),
      edges.enumerated().map { e, edge in
        ["\(e + 1)", workloads[edge.u], workloads[edge.v]] + (isAlone ? ["\(edge.traffic)"] : [])
      })
    guard !isAlone else { return }
    let names = ModelData.symbols(matrices.map(\.name))
    data.set("MATRICES", names)
    data.table("param weight", zip(names, matrices).map { [$0, "\($1.weight)"] })
    data.parameter("worst", combination == .worst ? "1" : "0")
    data.table(
      "param matrix",
      edges.enumerated().flatMap { e, edge in
        names.indices.filter { edge.trafficByMatrix[$0] > 0 }.map {
          [names[$0], "\(e + 1)", "\(edge.trafficByMatrix[$0])"]
        }
      })
  }

  private func export(_ rules: [Rule], to data: inout ModelData, workloads: [String], partitions: [String]) {
    func flags(_ flags: [Bool]) -> [String] { flags.indices.filter { flags[$0] }.map { "\($0 + 1)" } }
    var atMost: [[String]] = []
    var apart: [[String]] = []
    var together: [[String]] = []
    var spread: [[String]] = []
    var sets: [(String, [String])] = []
    var bases: [[String]] = []
    for (index, rule) in rules.enumerated() {
      let name = "\(index + 1)"
      switch rule {
      case .atMost(let w, let p, let count):
        atMost.append([name, workloads[w], partitions[p], "\(count)"])
      case .apart(let w, let other, let p):
        apart.append([name, workloads[w], workloads[other], partitions[p]])
      case .together(let w, let others, let staying, let p, let present, let first):
        together.append([name, workloads[w], partitions[p], first ? "1" : "0"])
        sets.append(("OTHERS[\(name)]", others.map { workloads[$0] }))
        sets.append(("STAYING[\(name)]", staying.map { workloads[$0] }))
        sets.append(("PRESENT[\(name)]", flags(present)))
      case .spread(let w, let members, let p, let maxSkew, let minDomains, let base, let eligible):
        spread.append([name, workloads[w], partitions[p], "\(maxSkew)", "\(minDomains)"])
        sets.append(("COUNTED[\(name)]", members.map { workloads[$0] }))
        sets.append(("ELIGIBLE[\(name)]", flags(eligible)))
        bases += base.indices.filter { eligible[$0] && base[$0] != 0 }.map { [name, "\($0 + 1)", "\(base[$0])"] }
      }
    }
    data.table("param: AT_MOST: mostWorkload mostPartition mostCount", atMost)
    data.table("param: APART: apartWorkload apartOther apartPartition", apart)
    data.table("param: TOGETHER: togetherWorkload togetherPartition mayBeFirst", together)
    data.table("param: SPREAD: spreadWorkload spreadPartition maxSkew minDomains", spread)
    for (name, members) in sets { data.set(name, members) }
    data.table("param base", bases)
  }
}

/// A data section of MathProg as it grows.
private struct ModelData {
  private(set) var text = "data;\n"

  mutating func comment(_ comment: String) { text += "\n# \(Self.printable(comment))\n" }

  mutating func parameter(_ name: String, _ value: String) { text += "param \(name) := \(value);\n" }

  mutating func set(_ name: String, _ members: [String]) {
    text += "set \(name) := \(members.joined(separator: " "));\n"
  }

  mutating func table(_ heading: String, _ rows: [[String]]) {
    guard !rows.isEmpty else { return }
    text += "\(heading) :=\n"
    for row in rows { text += "  " + row.joined(separator: " ") + "\n" }
    text += ";\n"
  }

  /// Quoted symbols that differ: MathProg takes at most 100 printable characters.
  static func symbols(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.map { name in
      let base = printable(name).prefix(80)
      var symbol = String(base)
      var number = 1
      while symbol.isEmpty || !taken.insert(symbol).inserted {
        number += 1
        symbol = "\(base)~\(number)"
      }
      return "'" + symbol.replacing("'", with: "''") + "'"
    }
  }

  private static func printable(_ text: String) -> String {
    String(text.unicodeScalars.map { (0x20...0x7E).contains($0.value) ? Character($0) : "_" })
  }

  /// A whole number where it is one.
  static func quotient(_ amount: Int64, _ unit: Int64) -> String {
    amount % unit == 0 ? "\(amount / unit)" : "\(Double(amount) / Double(unit))"
  }
}
