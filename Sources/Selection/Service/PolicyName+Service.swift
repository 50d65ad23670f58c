import Model

extension PolicyName {
  /// A service without replicas whose replicas this policy picks.
  func service(
    name: String, number: UInt32, options: DispatcherOptions, openPicks: OpenPickCount, at now: Moment
  ) -> DispatchedService {
    func service(_ policy: some SelectionPolicy) -> DispatchedService {
      PolicyService(
        name: name, number: number, policy, named: self, options: options, openPicks: openPicks, at: now)
    }
    let seed = options.seed ^ PickQuery.hash(name.utf8)
    return switch self {
    case .random: service(RandomPolicy())
    case .roundRobin: service(RoundRobinPolicy())
    case .leastRequest: service(LeastRequestPolicy())
    case .peakEWMA: service(PeakEWMAPolicy())
    case .c3: service(C3Policy())
    case .prequal: service(PrequalPolicy())
    case .tonari: service(TonariPolicy(seed: seed))
    }
  }
}
