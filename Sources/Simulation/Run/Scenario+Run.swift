import Selection

extension Scenario {
  /// Runs the scenario once. The same arguments give the same result on every machine.
  ///
  /// - Parameters:
  ///   - policy: The policy.
  ///   - load: The share of ``requestsPerSecond`` that arrives, above zero.
  ///   - seed: Decides what arrives, what servers do, and what a policy leaves to chance.
  ///   - clients: How many clients there are; nil for the first count of the scenario.
  ///   - selectors: How many selectors the clients share; nil for one where the policy is meant to be shared, and for
  ///     one in each client otherwise.
  public func run(_ policy: SimulatedPolicy, load: Double, seed: Int, clients: Int? = nil, selectors: Int? = nil)
    -> RunResult
  {
    var world = self
    world.clients = [clients ?? self.clients[0]]
    func result<Policy: SelectionPolicy>(_ makePolicy: (UInt64) -> Policy) -> RunResult {
      var run = SimulationRun(world, policy, load: load, seed: seed, selectors: selectors, makePolicy: makePolicy)
      return run.result()
    }
    return switch policy {
    case .random: result { _ in RandomPolicy() }
    case .roundRobin: result { _ in RoundRobinPolicy() }
    case .leastRequest: result { _ in LeastRequestPolicy() }
    case .peakEWMA: result { _ in PeakEWMAPolicy() }
    case .c3: result { _ in C3Policy(C3Options(askers: selectors ?? world.clients[0])) }
    case .prequal: result { _ in PrequalPolicy() }
    case .tonari: result { TonariPolicy(seed: $0) }
    case .oracle: result { _ in OraclePolicy() }
    }
  }

  /// Runs a policy with every number of clients and selectors of the scenario.
  public func runs(_ policy: SimulatedPolicy, load: Double, seed: Int, selectors: Int? = nil) -> [RunResult] {
    let shared: [Int?] = policy == .tonari ? self.selectors : [nil]
    let counts = selectors.map { [$0] } ?? shared
    return clients.flatMap { clients in
      counts.map { selectors in
        var result = run(policy, load: load, seed: seed, clients: clients, selectors: selectors)
        if self.clients.count > 1 { result.clients = clients }
        if self.selectors.count > 1 { result.selectors = selectors }
        return result
      }
    }
  }
}
