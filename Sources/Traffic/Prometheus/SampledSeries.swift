/// Puts together what the answers of Prometheus hold of each series, as one rate.
///
/// A matrix tells what a series did in all of its time: where there is no sample of it, there was no traffic. So a rate
/// is what all matrices hold of the series, over their time and that of others that were asked the same. Those are the
/// ones with traffic between ends that one of them has as well; but not what covers a time in which the series has
/// samples, and has none of it. What two matrices hold of one time counts once.
///
/// A vector tells of an instant. What a series was at several of them is averaged, unless matrices have it.
///
/// Two series with the same labels that differ at the same times are what different queries made of others, such as the
/// bytes of requests and those of responses: they add up. With the labels of two replicas they are one.
struct SampledSeries: Sendable {
  /// What a matrix holds of a series.
  private struct Part {
    var matrix: Int32
    var replica: UInt64
    /// What was counted in the time of the matrix.
    var amount: Double
    /// From the first sample to the last.
    var samples: ClosedRange<Double>
    /// The part of the same series that was added before; -1 for none.
    var previous: Int32
  }

  private struct Entry {
    var series: PrometheusSeries
    var lastPart: Int32 = -1
    /// The values at instants, and how many of those there are.
    var sum = 0.0
    var count = 0
    var first: Sample?
    var hasSeveral = false
  }

  /// A value at an instant.
  private struct Sample {
    var replica: UInt64
    var time: Double
    var value: Double
  }

  /// What a matrix was asked, as far as its series tell.
  private struct Question: Hashable {
    var matrix: Int32
    var metric: TrafficMetric?
    var reporter: String?
  }

  /// What tells that two matrices were asked the same.
  private struct Stream: Hashable {
    var key: ReporterTable.Key?
    var reporter: String?
  }

  private var entries: [Entry] = []
  private var indices: [UInt64: Int32] = [:]
  /// The values at instants and the instants of series that have several, so that none counts twice.
  private var samples = RecentRecords()
  private var instants = RecentRecords()
  private var parts: [Part] = []
  private var matrices: [SampledTime] = []
  /// Counters of which a matrix has one sample.
  private var singles: [(entry: Int32, counter: CounterSeries)] = []
  /// From the first sample of any counter to the last.
  private var counters = SampledTime()
  /// How many series there are that another one of the same time tells already.
  private(set) var repeated = 0

  // MARK: Samples

  /// Adds the value at an instant.
  mutating func add(_ value: Double, at time: Double, of series: PrometheusSeries) {
    let entry = entry(of: series)
    let sample = Sample(replica: series.replica, time: time, value: value)
    guard let first = entries[entry].first else {
      entries[entry].first = sample
      entries[entry].sum = value
      entries[entry].count = 1
      return
    }
    // Most series have one sample, which is not looked for among others.
    if !entries[entry].hasSeveral {
      entries[entry].hasSeveral = true
      _ = see(first, of: series)
    }
    let (isNew, isNewInstant) = see(sample, of: series)
    guard isNew else {
      repeated += 1
      return
    }
    entries[entry].sum += value
    if isNewInstant { entries[entry].count += 1 }
  }

  /// Whether a value was not seen before, and neither was another one of the same replica at its instant.
  private mutating func see(_ sample: Sample, of series: PrometheusSeries) -> (isNew: Bool, isNewInstant: Bool) {
    let instant = (series.identity, sample.replica, sample.time.bitPattern)
    let value = (series.identity, sample.replica, sample.time.bitPattern, sample.value.bitPattern)
    return (
      samples.insert(withUnsafeBytes(of: value) { fingerprint($0) }),
      instants.insert(withUnsafeBytes(of: instant) { fingerprint($0) })
    )
  }

  /// Begins a matrix, of which the parts are that are added next.
  mutating func begin(_ time: SampledTime) {
    matrices.append(time)
  }

  /// Adds what was counted of a series in the time of the matrix.
  mutating func add(_ amount: Double, of series: PrometheusSeries, from samples: ClosedRange<Double>) {
    let entry = entry(of: series)
    let matrix = Int32(truncatingIfNeeded: matrices.count - 1)
    let previous = entries[entry].lastPart
    entries[entry].lastPart = Int32(truncatingIfNeeded: parts.count)
    parts.append(
      Part(matrix: matrix, replica: series.replica, amount: amount, samples: samples, previous: previous))
  }

  /// Adds a counter that the matrix has.
  mutating func add(_ counter: CounterSeries, of series: PrometheusSeries) {
    guard let time = matrices.last else { return }
    if time.start <= time.end {
      counters.add(time.start)
      counters.add(time.end)
    }
    if let rate = counter.rate(from: time.start, to: time.end) {
      add(rate * time.length, of: series, from: counter.firstTime...counter.lastTime)
    } else {
      singles.append((Int32(truncatingIfNeeded: entry(of: series)), counter))
    }
  }

  private mutating func entry(of series: PrometheusSeries) -> Int {
    if let known = indices[series.identity] { return Int(known) }
    indices[series.identity] = Int32(truncatingIfNeeded: entries.count)
    entries.append(Entry(series: series))
    return entries.count - 1
  }

  // MARK: Rates

  /// Whether a matrix covers less than half of the time of another one.
  var isUneven: Bool {
    let lengths = matrices.map(\.length).filter { $0 > 0 }
    guard let shortest = lengths.min(), let longest = lengths.max() else { return false }
    return shortest < longest / 2
  }

  /// Works out all rates and hands them on, in order of their series' first appearance; nil for a counter with too few
  /// samples.
  mutating func finish(_ take: (PrometheusSeries, Double?) -> Void) {
    let (asked, askedOfPart) = askedTimes()
    let joined = joinedSingles()
    var held: [Part] = []
    for (index, entry) in entries.enumerated() {
      guard entry.lastPart >= 0 else {
        let rate = entry.count > 0 ? entry.sum / Double(entry.count) : rate(of: joined[index])
        take(entry.series, rate)
        continue
      }
      repeated += entry.count
      collectParts(of: entry, into: &held)
      let time = asked[askedOfPart.isEmpty ? 0 : askedOfPart[Int(entry.lastPart)]]
      take(entry.series, amount(of: held) / seconds(of: held, in: time))
    }
  }

  private func seconds(of held: [Part], in asked: AskedTime) -> Double {
    guard asked.overlaps else { return asked.seconds }
    return asked.seconds(of: held.map { (matrices[Int($0.matrix)], $0.samples) })
  }

  private func collectParts(of entry: Entry, into held: inout [Part]) {
    held.removeAll(keepingCapacity: true)
    var index = entry.lastPart
    while index >= 0 {
      held.append(parts[Int(index)])
      index = parts[Int(index)].previous
    }
    guard held.count > 1 else { return }
    // Of equal times the one that missed less comes first, whatever the order of the dumps.
    held.sort {
      let (a, b) = (matrices[Int($0.matrix)], matrices[Int($1.matrix)])
      return (a.start, -a.end, a.step, -$0.amount) < (b.start, -b.end, b.step, -$1.amount)
    }
  }

  /// What parts, in order of their starts, add up to. Where two overlap, a series is taken to have been even.
  private mutating func amount(of held: [Part]) -> Double {
    var amount = 0.0
    var last: (time: SampledTime, part: Part)?
    for part in held {
      let time = matrices[Int(part.matrix)]
      let end = last?.time.end ?? -.infinity
      if let last, last.time == time, last.part.replica == part.replica, last.part.amount != part.amount {
        amount += part.amount
      } else if time.end > end {
        amount += time.start >= end ? part.amount : part.amount * ((time.end - end) / time.length)
      } else {
        repeated += 1
        continue
      }
      last = (time, part)
    }
    return amount
  }

  // MARK: Counters of one sample each

  private func joinedSingles() -> [Int: CounterSeries] {
    var joined: [Int: CounterSeries] = [:]
    for (entry, counter) in singles.sorted(by: { $0.counter.firstTime < $1.counter.firstTime })
    where counter.count > 0 {
      joined[Int(entry), default: CounterSeries()].append(counter)
    }
    return joined
  }

  private func rate(of counter: CounterSeries?) -> Double? {
    counter?.rate(from: counters.start, to: counters.end)
  }

  // MARK: Who was asked the same

  /// The times of matrices that were asked the same, and for each part the index of the one that it is in; for none
  /// where there is one matrix alone.
  private func askedTimes() -> (times: [AskedTime], ofPart: [Int]) {
    guard matrices.count > 1 else { return ([AskedTime(matrices)], []) }
    var sets = DisjointSets()
    var questions: [Question: Int] = [:]
    var matrixOfQuestion: [Int] = []
    var streams: [Stream: Int] = [:]
    var questionOfPart = [Int](repeating: 0, count: parts.count)
    for entry in entries {
      let stream = Stream(key: entry.series.keys.first, reporter: entry.series.reporter)
      var index = entry.lastPart
      while index >= 0 {
        let matrix = parts[Int(index)].matrix
        let question = Question(matrix: matrix, metric: stream.key?.metric, reporter: stream.reporter)
        let number = questions[question] ?? sets.add()
        if number == matrixOfQuestion.count {
          questions[question] = number
          matrixOfQuestion.append(Int(matrix))
        }
        questionOfPart[Int(index)] = number
        let first = streams[stream] ?? number
        if first == number { streams[stream] = number } else { sets.unite(first, number) }
        index = parts[Int(index)].previous
      }
    }

    var members: [[SampledTime]] = []
    var groupOfRoot: [Int: Int] = [:]
    var groupOfQuestion: [Int] = []
    for question in sets.indices {
      let root = sets.root(of: question)
      let group = groupOfRoot[root] ?? members.count
      if group == members.count {
        groupOfRoot[root] = group
        members.append([])
      }
      members[group].append(matrices[matrixOfQuestion[question]])
      groupOfQuestion.append(group)
    }
    return (members.map { AskedTime($0) }, questionOfPart.map { groupOfQuestion[$0] })
  }
}
