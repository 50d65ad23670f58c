/// Decodes answers of the Prometheus HTTP API with Istio's or Linkerd's traffic metrics or OpenTelemetry's service graph.
///
/// - A vector holds rates: it is what `sum by (…) (rate(…[5m]))` gives. Where it has the labels of a scrape beside a
///   name, it is counters as they stand, and a warning says so.
/// - A matrix of named series holds counters, whose rates are taken over the time that all matrices cover, from the
///   first to the last. A matrix of series without a name holds rates, which are averaged over that time: where a series
///   has no sample, there was no traffic.
/// - A series that a recording rule named (`workload:istio_requests:rate5m`) is of the metric in its name, otherwise of
///   the one that the options give, and holds rates where its name says so.
/// - A series without a name is of the metric that the options give; otherwise it is of the service graph where it has
///   its labels, of requests where it has Linkerd's, and of bytes where it has Istio's.
/// - Series of several dumps add up, but a sample that two dumps have counts once, and a counter goes on from one dump to
///   the next.
struct PrometheusDecoder: DocumentDecoder {
  /// The samples of a rate in one matrix.
  private struct Rates {
    var sum = 0.0
    var count = 0
    /// Samples that are no number: what the rate was then is not known, and taken to be as at the other times.
    var unknown = 0
    var repeated = 0
  }

  /// What a series measures, and who says so.
  private struct Series {
    var identity: UInt64
    /// What it is of; of a message, both parts of its way.
    var keys: [ReporterTable.Key]
    var reporter: String?
    /// The Service that was asked for, where that is known.
    var service: String?
    /// Whether its samples are rates; otherwise they are a counter's.
    var isRate: Bool
  }

  /// What series without a name stand for in the dump that is being read.
  private var unnamedMetric: String?
  /// Gives endpoints their indices; the graph that comes out has only those that an edge has.
  private var names = TrafficGraph()
  private var table = ReporterTable()
  /// The samples that are in the table or in a mean, so that none counts twice.
  private var samples = RecentRecords()
  /// The counters of all matrices, whose rates are known once all are read.
  private var counters: [(series: Series, counter: CounterSeries)] = []
  private var countersStart = Double.infinity
  private var countersEnd = -Double.infinity
  /// What the rates in matrices add up to, each times the seconds that it stands for.
  private var amounts: [(series: Series, amount: Double)] = []
  /// The time that these matrices cover.
  private var time = ObservedTime()
  private var tally = Tally()

  mutating func begin(_ format: TrafficFormat, metric: String?) {
    unnamedMetric = metric
  }

  mutating func read(_ cursor: inout JSONCursor) throws(TrafficError) {
    let start = cursor
    var data: JSONCursor?
    var status = ""
    var errorType = "error"
    var message = "no message"
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "status": status = try cursor.string()
      case "errorType": errorType = try cursor.string()
      case "error": message = try cursor.string()
      case "warnings": try readWarnings(&cursor)
      case "data":
        data = cursor
        try cursor.skip()
      default: try cursor.skip()
      }
    }
    guard status != "error" else {
      throw start.error(.refused, "Prometheus answered with \(errorType): \(message)")
    }
    guard var data else { throw start.error(.unexpected, "found no data, expected an answer of Prometheus") }
    try readData(&data)
  }

  private mutating func readWarnings(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() { tally.warn("Prometheus warns: \(try cursor.string())") }
  }

  private mutating func readData(_ cursor: inout JSONCursor) throws(TrafficError) {
    let start = cursor
    var result: JSONCursor?
    var type: (cursor: JSONCursor, name: String)?
    try cursor.beginObject()
    while let key = try cursor.nextKey() {
      switch key {
      case "resultType": type = (cursor, try cursor.string())
      case "result":
        result = cursor
        try cursor.skip()
      default: try cursor.skip()
      }
    }
    guard let type else { throw start.error(.unexpected, "found no resultType, expected it with result") }
    guard type.name == "vector" || type.name == "matrix" else {
      throw type.cursor.unexpected("\"vector\" or \"matrix\"")
    }
    // Some write null for an answer without series.
    guard var result else { return }
    if type.name == "vector" { try readVector(&result) } else { try readMatrix(&result) }
  }

  // MARK: Vectors

  private mutating func readVector(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      let start = cursor
      var labels: SeriesLabels?
      var sample: (time: Double, value: Double)?
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "metric": labels = try SeriesLabels(&cursor)
        case "value": sample = try Self.readSample(&cursor)
        default: try cursor.skip()
        }
      }
      tally.records += 1
      guard let labels else { throw start.error(.unexpected, "found a series without metric, expected its labels") }
      guard let sample else {
        tally.drop("no value that is a number (a native histogram)")
        continue
      }
      guard let series = try resolve(labels, at: start) else { continue }
      if let name = labels.metric, !series.isRate, labels.isScraped || labels.isRecorded {
        tally.warn(
          "\(name) in a vector is a counter as it stands, not a rate: "
            + "only proportions are right; query rate(…[5m]) instead"
        )
      }
      if isNew(sample, of: series) {
        add(sample.value, to: series)
      } else {
        tally.drop("occur twice")
      }
    }
  }

  // MARK: Matrices

  private mutating func readMatrix(_ cursor: inout JSONCursor) throws(TrafficError) {
    var rates: [(series: Series, rates: Rates)] = []
    var times: Set<Double> = []
    try cursor.beginArray()
    while try cursor.nextElement() {
      let place = cursor
      var labels: SeriesLabels?
      var values: JSONCursor?
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "metric": labels = try SeriesLabels(&cursor)
        case "values":
          values = cursor
          try cursor.skip()
        default: try cursor.skip()
        }
      }
      tally.records += 1
      guard let labels else { throw place.error(.unexpected, "found a series without metric, expected its labels") }
      let series = try resolve(labels, at: place)
      guard var values else {
        if series != nil { tally.drop("no samples") }
        continue
      }
      if series?.isRate ?? (labels.metric == nil) {
        let read = try readRates(&values, of: series, times: &times)
        if let series, let read { rates.append((series, read)) }
      } else {
        let counter = try readCounter(&values)
        if let series { counters.append((series, counter)) }
      }
    }
    average(rates, over: times)
  }

  /// Reads the samples of a counter.
  private mutating func readCounter(_ cursor: inout JSONCursor) throws(TrafficError) -> CounterSeries {
    var counter = CounterSeries()
    try Self.eachSample(&cursor) { sample in
      countersStart = min(countersStart, sample.time)
      countersEnd = max(countersEnd, sample.time)
      if sample.value.isFinite { counter.add(time: sample.time, value: sample.value) }
    }
    return counter
  }

  /// Reads the samples of a rate; nil where none counts.
  private mutating func readRates(
    _ cursor: inout JSONCursor, of series: Series?, times: inout Set<Double>
  ) throws(TrafficError) -> Rates? {
    var rates = Rates()
    try Self.eachSample(&cursor) { sample in
      times.insert(sample.time)
      guard let series else { return }
      if !sample.value.isFinite {
        rates.unknown += 1
      } else if isNew(sample, of: series) {
        rates.count += 1
        rates.sum += sample.value
      } else {
        rates.repeated += 1
      }
    }
    guard series != nil, rates.count == 0 else { return rates }
    tally.drop(rates.repeated > 0 ? "occur twice" : "no value that is a number")
    return nil
  }

  /// Takes in the sums of rates that stand at the steps of one matrix: each stands for the time of a step.
  private mutating func average(_ rates: [(series: Series, rates: Rates)], over times: Set<Double>) {
    let steps = times.sorted()
    guard let first = steps.first, let last = steps.last, last > first else {
      for (series, rates) in rates { add(rates.sum, to: series) }
      return
    }
    tally.warn("series in a matrix without a metric name, or with a recording rule's, are taken as rates and averaged")
    let step = zip(steps, steps.dropFirst()).map { $1 - $0 }.min() ?? 1
    time.add(first - step)
    time.add(last)
    time.endDump()
    let count = ((last - first) / step).rounded() + 1
    amounts += rates.map { series, rates in
      (series, rates.sum * step * count / max(1, count - Double(rates.unknown)))
    }
  }

  private static func eachSample(
    _ cursor: inout JSONCursor, _ take: ((time: Double, value: Double)) -> Void
  ) throws(TrafficError) {
    var last = -Double.infinity
    try cursor.beginArray()
    while try cursor.nextElement() {
      let sample = try readSample(&cursor, after: last)
      last = sample.time
      take(sample)
    }
  }

  /// Reads `[time, "value"]`.
  private static func readSample(
    _ cursor: inout JSONCursor,
    after last: Double = -.infinity
  ) throws(TrafficError) -> (time: Double, value: Double) {
    let start = cursor
    try cursor.beginArray()
    guard try cursor.nextElement() else {
      throw start.error(.unexpected, "found an empty sample, expected time and value")
    }
    let time = try cursor.numberOrText()
    guard time.isFinite, time > last else { throw start.error(.unexpected, "found times that do not rise") }
    guard try cursor.nextElement() else { throw start.error(.unexpected, "found a sample without a value") }
    let value = try cursor.numberOrText()
    guard try !cursor.nextElement() else {
      throw start.error(.unexpected, "found a sample of more than two elements, expected time and value")
    }
    return (time, value)
  }

  // MARK: Series

  /// Finds what a series measures and between whom; nil, with a word in the tally, where it is none of ours.
  private mutating func resolve(_ labels: SeriesLabels, at place: JSONCursor) throws(TrafficError) -> Series? {
    let metric: TrafficMetric
    if let name = labels.metric {
      var found = TrafficMetric(rawValue: name) ?? TrafficMetric(recordedAs: name)
      if found == nil, labels.isRecorded { found = try givenMetric(at: place) }
      guard let known = found else {
        tally.drop("of a metric that does not count traffic")
        tally.warn("the metric \(name) is not used\(labels.isRecorded ? "; name the one that its rule records" : "")")
        return nil
      }
      metric = known
    } else {
      metric = try metricOfUnnamed(labels, at: place)
    }

    let ends: [SeriesLabels.Ends]?
    switch metric.origin {
    case .istio: ends = labels.istioEnds.map { [$0] }
    case .serviceGraph: ends = labels.serviceGraphEnds
    case .linkerd:
      guard !labels.linkerd.isInbound else {
        tally.drop("of Linkerd's inbound side, whose traffic the outbound side has with both ends")
        return nil
      }
      ends = labels.linkerdEnds.map { [$0] }
    }
    guard let ends else {
      let needed = metric.origin.labels
      tally.drop("lacks the labels \(needed)")
      tally.warn("the series \(labels.excerpt) lacks the labels \(needed)")
      return nil
    }
    if metric.origin == .istio, labels.reporter == nil {
      tally.warn(
        "series without the label reporter are counted as they are: "
          + "twice as much as there was, unless the query selected one reporter"
      )
    }
    return Series(
      identity: labels.identity &+ fingerprint(metric.rawValue),
      keys: ends.map { ends in
        ReporterTable.Key(
          metric: metric,
          source: names.index(of: ends.source),
          destination: names.index(of: ends.destination)
        )
      },
      reporter: labels.reporter,
      service: labels.service,
      isRate: labels.metric.map { labels.isRecorded && $0.contains("rate") } ?? true
    )
  }

  private mutating func metricOfUnnamed(_ labels: SeriesLabels, at place: JSONCursor) throws(TrafficError)
    -> TrafficMetric
  {
    if let metric = try givenMetric(at: place) { return metric }
    if labels.client != nil || labels.server != nil { return .serviceGraphRequests }
    if labels.sourceWorkload == nil, labels.linkerd.isThere { return .linkerdRequests }
    tally.warn("series without a metric name are taken as bytes per second; name the metric if they are requests")
    return .requestBytes
  }

  /// The metric that the options give to series whose name does not tell theirs; nil where they give none.
  private func givenMetric(at place: JSONCursor) throws(TrafficError) -> TrafficMetric? {
    guard let name = unnamedMetric else { return nil }
    guard let metric = TrafficMetric(rawValue: name) else {
      let known = TrafficMetric.allCases.map(\.rawValue).joined(separator: ", ")
      throw place.error(
        .unexpected, "found a series without a metric's name and the metric option \(name), expected \(known)")
    }
    return metric
  }

  /// Whether no dump had the sample before.
  private mutating func isNew(_ sample: (time: Double, value: Double), of series: Series) -> Bool {
    let record = (series.identity, sample.time.bitPattern, sample.value.bitPattern)
    return samples.insert(withUnsafeBytes(of: record) { fingerprint($0) })
  }

  private mutating func add(_ rate: Double, to series: Series) {
    guard rate.isRate else { return tally.drop(rate < 0 ? "a negative rate" : "no value that is a number") }
    for key in series.keys { table.add(rate, of: key, reporter: series.reporter, service: series.service) }
  }

  /// Adds the rates of all counters, each joined from the dumps that it is in.
  private mutating func addCounters() {
    var parts: [(series: Series, counters: [CounterSeries])] = []
    var indices: [UInt64: Int] = [:]
    for (series, counter) in counters {
      if let index = indices[series.identity] {
        parts[index].counters.append(counter)
      } else {
        indices[series.identity] = parts.count
        parts.append((series, [counter]))
      }
    }
    for (series, counters) in parts {
      var counter = CounterSeries()
      for part in counters.sorted(by: { $0.firstTime < $1.firstTime }) { counter.append(part) }
      if let rate = counter.rate(from: countersStart, to: countersEnd) {
        add(rate, to: series)
      } else {
        tally.drop("fewer than two samples, too few for a rate")
      }
    }
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    addCounters()
    let seconds = time.covered
    for (series, amount) in amounts { add(amount / seconds, to: series) }
    if table.hasTwoReporters {
      tally.warn(
        "edges that both ends report are counted once, as the destination reports them, or who saw twice as much")
    }
    let (graph, throughWaypoints) = table.graph(naming: names.endpoints)
    if throughWaypoints > 0 {
      tally.warn("\(throughWaypoints) edges that waypoints report are counted as the connections to and from them")
    }
    return tally.dump(of: graph, sources, format, noun: "series")
  }
}
