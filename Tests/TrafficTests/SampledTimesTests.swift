import Testing

@testable import Traffic

/// A matrix of Istio's requests, with one series for each pair of ends such as `a b`, further labels and samples.
private func matrix(
  _ series: [(ends: String, labels: String, samples: [(Int, Double)])], name: String? = "istio_requests_total"
) -> String {
  let name = name.map { #""__name__": "\#($0)", "# } ?? ""
  let result = series.map { ends, labels, samples in
    let names = ends.split(separator: " ")
    let values = samples.map { #"[\#($0), "\#($1)"]"# }.joined(separator: ", ")
    return #"{"metric": {\#(name)"reporter": "destination", "source_workload": "\#(names[0])", "#
      + #""destination_workload": "\#(names[1])"\#(labels)}, "values": [\#(values)]}"#
  }
  return #"{"data": {"resultType": "matrix", "result": [\#(result.joined(separator: ", "))]}, "status": "success"}"#
}

/// A counter of a rate, sampled at the given times.
private func counter(_ times: StrideThrough<Int>, rate: Int) -> [(Int, Double)] {
  times.map { ($0, Double($0 * rate)) }
}

private func constant(_ times: StrideThrough<Int>, _ value: Double) -> [(Int, Double)] { times.map { ($0, value) } }

/// The edges of dumps, which must be the same whatever their order.
private func edges(_ dumps: [String], options: TrafficReader.Options = .init()) throws -> [String] {
  let found = lines(try read(together: dumps, options: options)[0].graph).sorted()
  #expect(lines(try read(together: dumps.reversed(), options: options)[0].graph).sorted() == found)
  return found
}

private let scraped = #", "job": "j", "instance": "p1""#
private let replaced = #", "job": "j", "instance": "p2""#
private let hour = stride(from: 0, through: 3600, by: 60)

@Suite("The time that a series of Prometheus counts over")
struct SampledTimesTests {
  @Test("is that of the dumps whose query has it: a pod that is replaced between two does not lose its traffic")
  func replacedPod() throws {
    let later = stride(from: 360_000, through: 363_600, by: 60)
    let first = matrix([("a b", scraped, counter(hour, rate: 10)), ("c d", scraped, counter(hour, rate: 10))])
    let second = matrix([("a b", scraped, counter(later, rate: 10)), ("c d", replaced, counter(later, rate: 10))])
    #expect(try edges([first, second]) == ["a → b: 10/s", "c → d: 10/s"])
  }

  @Test("is not that of a dump with other series, whether of counters or of rates, and a warning says that they differ")
  func otherQueries() throws {
    let day = stride(from: 0, through: 86_400, by: 600)
    let lastHour = stride(from: 82_800, through: 86_400, by: 60)
    let counters = [
      matrix([("a b", scraped, counter(lastHour, rate: 20))]), matrix([("c d", scraped, counter(day, rate: 20))]),
    ]
    #expect(try edges(counters) == ["a → b: 20/s", "c → d: 20/s"])
    let warnings = try read(together: counters)[0].warnings
    #expect(warnings.contains { $0.hasPrefix("some matrices cover less than half of the time") })
    let rates = [
      matrix([("a b", "", constant(hour, 20))], name: nil), matrix([("c d", "", constant(day, 20))], name: nil),
    ]
    #expect(try edges(rates) == ["a → b: 20 B/s", "c → d: 20 B/s"])
  }

  @Test("is all of the time that its query was asked for, with that in which it was not there")
  func gone() throws {
    let second = stride(from: 3600, through: 7200, by: 60)
    let dumps = [
      matrix([("a b", scraped, counter(hour, rate: 10)), ("c d", scraped, counter(hour, rate: 10))]),
      matrix([("a b", scraped, counter(second, rate: 10))]),
    ]
    #expect(try edges(dumps) == ["a → b: 10/s", "c → d: 5/s"])
  }

  @Test("is not that of dumps without its metric")
  func otherMetrics() throws {
    let second = stride(from: 3600, through: 7200, by: 60)
    let bytes = matrix([("a b", scraped, counter(second, rate: 7))], name: "istio_request_bytes_sum")
    #expect(
      try edges([matrix([("a b", scraped, counter(hour, rate: 10))]), bytes]) == ["a → b: 7 B/s, 10/s"])
  }

  @Test("is from the first dump to the last where each has one sample")
  func singles() throws {
    let dumps = (1...3).map { matrix([("a b", scraped, [(60 * $0, Double(600 * $0))])]) }
    #expect(try edges(dumps) == ["a → b: 10/s"])
  }

  @Test("counts once, in whatever steps two dumps have it")
  func steps() throws {
    let coarse = matrix([("a b", "", constant(stride(from: 0, through: 600, by: 60), 20))], name: nil)
    let fine = stride(from: 0, through: 600, by: 15)
    let both = matrix([("a b", "", constant(fine, 20)), ("c d", "", constant(fine, 20))], name: nil)
    #expect(try edges([coarse, both]) == ["a → b: 20 B/s", "c → d: 20 B/s"])
  }

  @Test("takes linear time with any number of matrices")
  func many() throws {
    let dump = (0..<5000).map { index in
      matrix([
        ("a b", scraped, [(index, 0), (index + 100, 100)]), ("a \(index)", scraped, [(index, 0), (index + 100, 100)]),
      ])
    }
    #expect(try read(dump.joined()).graph.edges.count == 5001)
  }

  @Test(
    "Series with a metric's name alone are rates where their values do not only rise",
    arguments: [
      ([20.0, 20, 20], [1.0, 2, 1], "20/s", true), ([20, 20, 20], [20, 20, 20], "20/s", true),
      ([20.5, 20.5, 20.5], [1, 2, 3], "20.5/s", true), ([0, 600, 1200], [5, 5, 5], "10/s", false),
      ([0, 600, 300], [0, 600, 1200], "7.5/s", false), ([0, 600, 1200], [100, 700, 1300], "10/s", false),
    ] as [([Double], [Double], String, Bool)]
  )
  func namedMatrix(_ first: [Double], _ second: [Double], _ expected: String, _ isOfRates: Bool) throws {
    func samples(_ values: [Double]) -> [(Int, Double)] { values.enumerated().map { ($0 * 60, $1) } }
    let dump = try read(matrix([("a b", "", samples(first)), ("c d", "", samples(second))]))
    let isWarned = dump.warnings.contains { $0.contains("without the labels of a scrape are taken as rates") }
    #expect(isWarned == isOfRates)
    #expect(lines(dump.graph).first == "a → b: \(expected)")
  }

  private func vector(_ time: Int, _ series: [(ends: String, labels: String, value: Double)]) -> String {
    matrix(series.map { ($0.ends, $0.labels, [(time, $0.value)]) }, name: nil)
      .replacing(#""matrix""#, with: #""vector""#).replacing(#""values": [["#, with: #""value": ["#)
      .replacing("]]}", with: "]}")
  }

  @Test("The same rate at several instants is averaged, and counts nothing beside the same over a time")
  func instants() throws {
    let first = vector(100, [("a b", "", 20)])
    let second = vector(105, [("a b", "", 30), ("c d", "", 20)])
    #expect(try edges([first, second, second]) == ["a → b: 25 B/s", "c → d: 20 B/s"])
    let time = matrix([("a b", "", constant(hour, 4))], name: nil)
    #expect(try edges([first, time]) == ["a → b: 4 B/s"])
  }

  @Test(
    "What two replicas of Prometheus have counts once", arguments: ["prometheus_replica", "replica", "__replica__"])
  func replicas(_ label: String) throws {
    let labels = ["r0", "r1"].map { #"\#(scraped), "\#(label)": "\#($0)""# }
    let counters = labels.map { ("a b", $0, counter(hour, rate: 20)) }
    #expect(try edges([matrix(counters)]) == ["a → b: 20/s"])
    #expect(try edges(counters.map { matrix([$0]) }) == ["a → b: 20/s"])
    #expect(try edges([vector(5, [("a b", labels[0], 20), ("a b", labels[1], 22)])]) == ["a → b: 21 B/s"])
    // One of them missed most.
    let rates = [
      ("a b", labels[0], constant(stride(from: 0, through: 600, by: 60), 20)), ("a b", labels[1], constant(hour, 20)),
    ]
    #expect(try edges([matrix(rates, name: nil)]) == ["a → b: 20 B/s"])
  }
}
