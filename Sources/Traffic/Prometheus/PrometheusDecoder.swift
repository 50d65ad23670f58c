/// Decodes answers of the Prometheus HTTP API with Istio's traffic metrics or OpenTelemetry's service graph.
///
/// - A vector holds rates: it is what `sum by (…) (rate(…[5m]))` gives. Where it has the labels of a scrape beside a
///   name, it is counters as they stand, and a warning says so.
/// - A matrix of named series holds counters, whose rates are taken over the time that the whole matrix covers. A matrix
///   of series without a name holds rates, which are averaged.
/// - A series without a name is of the metric that the options give; otherwise it is of the service graph where it has
///   its labels, and of bytes where it has Istio's.
struct PrometheusDecoder: DocumentDecoder {
  /// One series of a matrix, whose rate is known once the matrix has been read.
  private struct Pending {
    var metric: TrafficMetric
    var source: Int
    var destination: Int
    var reporter: String?
    var counter: CounterSeries
  }

  /// What series without a name stand for in the dump that is being read.
  private var unnamedMetric: String?
  /// Gives endpoints their indices; the graph that comes out has only those that an edge has.
  private var names = TrafficGraph()
  private var table = ReporterTable()
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
    guard var result, let type else {
      throw start.error(.unexpected, "found no result or resultType, expected both")
    }
    switch type.name {
    case "vector": try readVector(&result)
    case "matrix": try readMatrix(&result)
    default: throw type.cursor.unexpected("\"vector\" or \"matrix\"")
    }
  }

  // MARK: Vectors

  private mutating func readVector(_ cursor: inout JSONCursor) throws(TrafficError) {
    try cursor.beginArray()
    while try cursor.nextElement() {
      let start = cursor
      var labels: SeriesLabels?
      var value: Double?
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "metric": labels = try SeriesLabels(&cursor)
        case "value": value = try readSample(&cursor).value
        default: try cursor.skip()
        }
      }
      tally.records += 1
      guard let labels else { throw start.error(.unexpected, "found a series without metric, expected its labels") }
      guard let value else {
        tally.drop("no value that is a number (a native histogram)")
        continue
      }
      guard let series = try resolve(labels, at: start) else { continue }
      if labels.metric != nil, labels.isScraped {
        tally.warn(
          "\(series.metric.rawValue) in a vector is a counter as it stands, not a rate: "
            + "only proportions are right; query rate(…[5m]) instead"
        )
      }
      add(value, to: series)
    }
  }

  // MARK: Matrices

  private mutating func readMatrix(_ cursor: inout JSONCursor) throws(TrafficError) {
    var pending: [Pending] = []
    var start = Double.infinity
    var end = -Double.infinity
    try cursor.beginArray()
    while try cursor.nextElement() {
      let place = cursor
      var labels: SeriesLabels?
      var counter = CounterSeries()
      var sum = 0.0
      try cursor.beginObject()
      while let key = try cursor.nextKey() {
        switch key {
        case "metric":
          labels = try SeriesLabels(&cursor)
        case "values":
          var last = -Double.infinity
          try cursor.beginArray()
          while try cursor.nextElement() {
            let sample = try readSample(&cursor, after: last)
            last = sample.time
            start = min(start, sample.time)
            end = max(end, sample.time)
            guard sample.value.isFinite else { continue }
            counter.add(time: sample.time, value: sample.value)
            sum += sample.value
          }
        default:
          try cursor.skip()
        }
      }
      tally.records += 1
      guard let labels else { throw place.error(.unexpected, "found a series without metric, expected its labels") }
      guard var series = try resolve(labels, at: place) else { continue }
      if labels.metric == nil {
        tally.warn("series without a metric name in a matrix are taken as rates and averaged")
        add(sum / Double(counter.count), to: series)
      } else {
        series.counter = counter
        pending.append(series)
      }
    }
    for series in pending {
      guard let rate = series.counter.rate(from: start, to: end) else {
        tally.drop("fewer than two samples, too few for a rate")
        continue
      }
      add(rate, to: series)
    }
  }

  /// Reads `[time, "value"]`.
  private func readSample(
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
  private mutating func resolve(_ labels: SeriesLabels, at place: JSONCursor) throws(TrafficError) -> Pending? {
    let metric: TrafficMetric
    if let name = labels.metric {
      guard let known = TrafficMetric(rawValue: name) else {
        tally.drop("of a metric that does not count traffic")
        tally.warn("the metric \(name) is not used")
        return nil
      }
      metric = known
    } else {
      metric = try metricOfUnnamed(labels, at: place)
    }

    let ends = metric == .serviceGraphRequests ? labels.serviceGraphEnds : labels.istioEnds
    guard let ends else {
      let needed =
        metric == .serviceGraphRequests ? "client and server" : "source_workload and destination_workload"
      tally.drop("lacks the labels \(needed)")
      tally.warn("the series \(labels.excerpt) lacks the labels \(needed)")
      return nil
    }
    if metric != .serviceGraphRequests, labels.reporter == nil {
      tally.warn(
        "series without the label reporter are counted as they are: "
          + "twice as much as there was, unless the query selected one reporter"
      )
    }
    return Pending(
      metric: metric,
      source: names.index(of: ends.source),
      destination: names.index(of: ends.destination),
      reporter: labels.reporter,
      counter: CounterSeries()
    )
  }

  private mutating func metricOfUnnamed(_ labels: SeriesLabels, at place: JSONCursor) throws(TrafficError)
    -> TrafficMetric
  {
    if let name = unnamedMetric {
      guard let metric = TrafficMetric(rawValue: name) else {
        let known = TrafficMetric.allCases.map(\.rawValue).joined(separator: ", ")
        throw place.error(.unexpected, "found a series without a name and the metric option \(name), expected \(known)")
      }
      return metric
    }
    if labels.client != nil || labels.server != nil { return .serviceGraphRequests }
    tally.warn("series without a metric name are taken as bytes per second; name the metric if they are requests")
    return .requestBytes
  }

  private mutating func add(_ rate: Double, to series: Pending) {
    guard rate.isRate else { return tally.drop(rate < 0 ? "a negative rate" : "no value that is a number") }
    table.add(
      rate,
      metric: series.metric,
      source: series.source,
      destination: series.destination,
      reporter: series.reporter
    )
  }

  mutating func finish(_ sources: [String], _ format: TrafficFormat) -> TrafficDump {
    if table.hasTwoReporters {
      tally.warn("edges that both ends report are counted once, as the destination reports them")
    }
    return tally.dump(of: table.graph(naming: names.endpoints), sources, format, noun: "series")
  }
}
