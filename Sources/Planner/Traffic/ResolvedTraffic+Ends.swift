/// What became of the names in the dumps.
extension ResolvedTraffic {
  /// Tells what the names of all origins were taken for, and how much traffic each has. What several tools measured under
  /// one name is the same traffic; what the user states is added.
  mutating func tell(of united: UnitedCalls, _ measure: TrafficMeasure, workloadName: (Int) -> String) {
    var account = EndAccount()
    for calls in united.measured { account.take(EndAccount(calls, measure, workloadName), max) }
    if let stated = united.stated { account.take(EndAccount(stated, measure, workloadName), +) }
    for (var end, traffic) in account.named {
      end.traffic = traffic
      named.append(end)
    }
    for (var end, traffic) in account.outside {
      end.traffic = traffic
      outside.append(end)
    }
    notes = account.notes
    mergeNames()
  }
}

/// The traffic of names by what they were taken for; the traffic in the keys is 0.
private struct EndAccount {
  private(set) var named: [ResolvedTraffic.NamedEnd: Double] = [:]
  private(set) var outside: [ResolvedTraffic.OutsideEnd: Double] = [:]
  private(set) var notes: [String] = []
  private var known: Set<String> = []

  init() {}

  init(_ calls: ResolvedCalls, _ measure: TrafficMeasure, _ workloadName: (Int) -> String) {
    var traffic = Array(repeating: 0.0, count: calls.ends.count)
    for call in calls.calls {
      let rate = measure.traffic(of: call.edge)
      traffic[call.source] += rate
      if call.destination != call.source { traffic[call.destination] += rate }
    }
    for (end, traffic) in zip(calls.ends, traffic) { add(end, traffic, workloadName) }
  }

  private mutating func add(_ end: ResolvedCalls.End, _ traffic: Double, _ workloadName: (Int) -> String) {
    let evidence = end.resolution.evidence
    switch end.resolution.meaning {
    case .outside(let reason):
      outside[ResolvedTraffic.OutsideEnd(name: end.name, reason: reason, traffic: 0), default: 0] += traffic
    case .workloads(let parts):
      let names = parts.map { workloadName($0.workload) }.joined(separator: ", ")
      if parts.count > 1 { note("\(end.name) means several workloads, by replicas: \(names)") }
      let named = ResolvedTraffic.NamedEnd(name: end.name, meaning: names, evidence: evidence, traffic: 0)
      self.named[named, default: 0] += traffic
    case .pinned(let node):
      let named = ResolvedTraffic.NamedEnd(name: end.name, meaning: "on \(node)", evidence: evidence, traffic: 0)
      self.named[named, default: 0] += traffic
    }
  }

  private mutating func note(_ note: String) {
    if known.insert(note).inserted { notes.append(note) }
  }

  /// Takes in another account; of a name that both have, the traffic is what `together` makes of both.
  mutating func take(_ other: EndAccount, _ together: (Double, Double) -> Double) {
    named.merge(other.named, uniquingKeysWith: together)
    outside.merge(other.outside, uniquingKeysWith: together)
    for text in other.notes { note(text) }
  }
}
