/// Decodes answers of the Prometheus HTTP API with Istio's or Linkerd's traffic metrics or OpenTelemetry's service graph.
///
/// - A vector holds rates: it is what `sum by (…) (rate(…[5m]))` gives. Where it has the labels of a scrape beside a
///   name, it is counters as they stand, and a warning says so.
/// - A matrix of series with a name and the labels of a scrape holds counters, whose rates are taken over the time that
///   the matrix covers. A matrix of series without a name holds rates, which are averaged over that time: where a series
///   has no sample, there was no traffic. What has a name alone is either, as its values move.
/// - A series that a recording rule named (`workload:istio_requests:rate5m`) is of the metric in its name, otherwise of
///   the one that the options give, and holds rates where its name says so.
/// - A series without a name is of the metric that the options give; otherwise it is of the service graph where it has
///   its labels, of requests where it has Linkerd's, and of bytes where it has Istio's.
/// - Different series of the same traffic add up; ``SampledSeries`` makes one rate of what several dumps, or several
///   replicas of one Prometheus, have of the same one.
struct PrometheusDecoder: DocumentDecoder {
  /// What the samples of a series are.
  private enum Samples {
    case rates, counter
    /// Either: the labels do not tell.
    case unclear
  }

  /// The samples of a rate in one matrix.
  private struct Rates {
    var sum = 0.0
    var count = 0
    /// Samples that are no number: what the rate was then is not known, and taken to be as at the other times.
    var unknown = 0
    var first = 0.0
    var last = 0.0
  }

  /// What the series of a matrix hold.
  private struct Matrix {
    var counters: [(series: PrometheusSeries, counter: CounterSeries)] = []
    var counterTime = SampledTime()
    var rates: [(series: PrometheusSeries, rates: Rates)] = []
    var rateTimes: Set<Double> = []
    /// Series that are rates or counters, as how their values move will tell.
    var unclear: [(series: PrometheusSeries?, values: JSONCursor)] = []
    var trend = SampleTrend()
  }

  /// What series without a name stand for in the dump that is being read.
  private var unnamedMetric: String?
  /// Gives endpoints their indices; the graph that comes out has only those that an edge has.
  private var names = TrafficGraph()
  private var table = ReporterTable()
  private var sampled = SampledSeries()
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
      if let name = labels.metric, samples(of: labels) == .counter {
        tally.warn(
          "\(name) in a vector is a counter as it stands, not a rate: "
            + "only proportions are right; query rate(…[5m]) instead"
        )
      }
      if check(sample.value) { sampled.add(sample.value, at: sample.time, of: series) }
    }
  }

  // MARK: Matrices

  private mutating func readMatrix(_ cursor: inout JSONCursor) throws(TrafficError) {
    var matrix = Matrix()
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
      switch samples(of: labels) {
      case .rates: try readRates(&values, of: series, into: &matrix)
      case .counter: try readCounter(&values, of: series, into: &matrix)
      case .unclear:
        matrix.unclear.append((series, values))
        if let series { try readTrend(values, of: series, into: &matrix.trend) }
      }
    }
    try readUnclear(in: &matrix)
    add(matrix.counters, over: matrix.counterTime)
    average(matrix.rates, over: matrix.rateTimes)
  }

  private func readTrend(
    _ values: JSONCursor, of series: PrometheusSeries, into trend: inout SampleTrend
  ) throws(TrafficError) {
    let countsWholes = series.keys.first?.metric.countsWholes ?? false
    var cursor = values
    var last = Double.nan
    try Self.eachSample(&cursor) { sample in
      guard sample.value.isFinite else { return }
      trend.add(sample.value, after: last, countsWholes: countsWholes)
      last = sample.value
    }
  }

  /// Reads the series that have a metric's name and nothing else that tells whether they are counters.
  private mutating func readUnclear(in matrix: inout Matrix) throws(TrafficError) {
    let isOfRates = matrix.trend.isOfRates
    for (series, values) in matrix.unclear {
      var values = values
      if isOfRates {
        try readRates(&values, of: series, into: &matrix)
      } else {
        try readCounter(&values, of: series, into: &matrix)
      }
      guard isOfRates, let name = series?.keys.first?.metric.rawValue else { continue }
      tally.warn("series of \(name) without the labels of a scrape are taken as rates: their values do not only rise")
    }
  }

  /// Reads the samples of a counter.
  private func readCounter(
    _ cursor: inout JSONCursor, of series: PrometheusSeries?, into matrix: inout Matrix
  ) throws(TrafficError) {
    var counter = CounterSeries()
    try Self.eachSample(&cursor) { sample in
      matrix.counterTime.add(sample.time)
      if sample.value.isFinite { counter.add(time: sample.time, value: sample.value) }
    }
    guard let series else { return }
    matrix.counterTime.step = min(matrix.counterTime.step, counter.interval)
    matrix.counters.append((series, counter))
  }

  /// Reads the samples of a rate.
  private mutating func readRates(
    _ cursor: inout JSONCursor, of series: PrometheusSeries?, into matrix: inout Matrix
  ) throws(TrafficError) {
    var rates = Rates()
    try Self.eachSample(&cursor) { sample in
      matrix.rateTimes.insert(sample.time)
      guard sample.value.isFinite else {
        rates.unknown += 1
        return
      }
      if rates.count == 0 { rates.first = sample.time }
      rates.last = sample.time
      rates.count += 1
      rates.sum += sample.value
    }
    guard let series else { return }
    if rates.count > 0 { matrix.rates.append((series, rates)) } else { tally.drop("no value that is a number") }
  }

  /// Takes in the counters of one matrix.
  private mutating func add(
    _ counters: [(series: PrometheusSeries, counter: CounterSeries)], over time: SampledTime
  ) {
    guard !counters.isEmpty else { return }
    sampled.begin(time)
    for (series, counter) in counters { sampled.add(counter, of: series) }
  }

  /// Takes in the sums of rates that stand at the steps of one matrix: each stands for the time of a step.
  private mutating func average(_ rates: [(series: PrometheusSeries, rates: Rates)], over times: Set<Double>) {
    let steps = times.sorted()
    guard let first = steps.first, let last = steps.last, last > first else {
      for (series, rates) in rates where check(rates.sum) { sampled.add(rates.sum, at: rates.last, of: series) }
      return
    }
    tally.warn("series in a matrix without a metric name, or with a recording rule's, are taken as rates and averaged")
    let step = zip(steps, steps.dropFirst()).map { $1 - $0 }.min() ?? 1
    let count = ((last - first) / step).rounded() + 1
    sampled.begin(SampledTime(start: first - step, end: last, step: step))
    for (series, rates) in rates {
      let amount = rates.sum * step * count / max(1, count - Double(rates.unknown))
      sampled.add(amount, of: series, from: rates.first...rates.last)
    }
  }

  // MARK: Series

  /// Finds what a series measures and between whom; nil, with a word in the tally, where it is none of ours.
  private mutating func resolve(_ labels: SeriesLabels, at place: JSONCursor) throws(TrafficError)
    -> PrometheusSeries?
  {
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
    return PrometheusSeries(
      identity: labels.identity &+ fingerprint(metric.rawValue),
      replica: labels.replica,
      keys: ends.map { ends in
        ReporterTable.Key(
          metric: metric,
          source: names.index(of: ends.source),
          destination: names.index(of: ends.destination)
        )
      },
      reporter: labels.reporter,
      service: labels.service
    )
  }

  /// What the samples of a series are, as far as its labels tell: one without a name is what a function made of counters,
  /// and one with the labels of a scrape is as it was scraped.
  private func samples(of labels: SeriesLabels) -> Samples {
    guard let name = labels.metric else { return .rates }
    if labels.isRecorded { return name.contains("rate") ? .rates : .counter }
    return labels.isScraped ? .counter : .unclear
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

  /// Whether a number can be a rate; says so in the tally where it cannot.
  private mutating func check(_ rate: Double) -> Bool {
    if !rate.isRate { tally.drop(rate < 0 ? "a negative rate" : "no value that is a number") }
    return rate.isRate
  }

  private mutating func add(_ rate: Double?, to series: PrometheusSeries) {
    guard let rate else { return tally.drop("fewer than two samples, too few for a rate") }
    guard check(rate) else { return }
    for key in series.keys { table.add(rate, of: key, reporter: series.reporter, service: series.service) }
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    var sampled = sampled
    self.sampled = SampledSeries()
    sampled.finish { add($1, to: $0) }
    if sampled.repeated > 0 { tally.drop("occur twice", count: sampled.repeated) }
    if sampled.isUneven {
      tally.warn(
        "some matrices cover less than half of the time of others: each series counts over the time of those that were "
          + "asked for it, but take all over the same time where you can")
    }
    if table.hasTwoReporters {
      tally.warn(
        "edges that both ends report are counted once, as the destination reports them, or who saw twice as much")
    }
    let result = table.graph(naming: names.endpoints)
    if result.throughWaypoints > 0 {
      tally.warn(
        "\(result.throughWaypoints) edges that waypoints report are counted as the connections to and from them")
    }
    if result.measuredTwice > 0 {
      tally.warn(
        "\(result.measuredTwice) edges that a mesh and tracing have measured both count once, at the higher rate")
    }
    return tally.dump(of: result.graph, sources, format, noun: "series")
  }
}
