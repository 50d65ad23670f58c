import Model

/// What a process has counted so far.
protocol CounterReading: Sendable {
  /// Reads metrics in Prometheus' text format.
  ///
  /// Throws `PrometheusText.Fault` where what is wanted in them makes no sense, or they are of something else.
  init(_ bytes: [UInt8]) throws

  /// What the looks at all processes say of a policy.
  ///
  /// - Parameter pairs: at least one.
  static func finding(_ measured: MeasuredPolicy, _ pairs: [LookPair<Self>]) -> Finding
}

/// The last two looks at a process.
struct LookPair<Reading: Sendable>: Sendable {
  var before: Reading
  var now: Reading
  /// The time between them; above 0.
  var seconds: Double
}

/// The last looks at several processes, each by its address.
///
/// One that does not answer counts on as before for a few seconds: it may be about to go, and its requests with it, to
/// others.
struct CounterLooks<Reading: CounterReading>: Sendable {
  private struct Look: Sendable {
    var reading: Reading
    var at: Moment
    /// The look before, where there was one.
    var before: (reading: Reading, at: Moment)?
  }

  /// For how long a process that does not answer counts as before, in seconds.
  private static var patience: Double { 5 }

  /// Whether a process was looked at so lately that it counts.
  func isHeard(_ address: String, at now: Moment) -> Bool {
    looks[address].map { now.seconds(since: $0.at) <= Self.patience } ?? false
  }

  private var looks: [String: Look] = [:]

  /// A process was looked at. A look in the same instant, or before the last, is none.
  mutating func note(_ reading: Reading, of address: String, at now: Moment) {
    let last = looks[address]
    if let last, now <= last.at { return }
    looks[address] = Look(reading: reading, at: now, before: last.map { ($0.reading, $0.at) })
  }

  /// Forgets processes that are no more.
  mutating func keep(only addresses: Set<String>) {
    looks = looks.filter { addresses.contains($0.key) }
  }

  /// What is known for a policy; nil where nothing is yet, or what is said cannot be.
  func finding(_ measured: MeasuredPolicy, at now: Moment) -> Finding? {
    let pairs = looks.values.compactMap { look -> LookPair<Reading>? in
      guard let before = look.before, now.seconds(since: look.at) <= Self.patience else { return nil }
      return LookPair(before: before.reading, now: look.reading, seconds: look.at.seconds(since: before.at))
    }
    guard !pairs.isEmpty else { return nil }
    let finding = Reading.finding(measured, pairs)
    if case .counted(let measurement) = finding, !measurement.isSound { return nil }
    return finding
  }
}
