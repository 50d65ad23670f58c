/// What became of a service's requests over time: how many were served here, by each neighbour, and not at all.
package struct OverflowSeries: Hashable, Sendable {
  /// What happened around one moment. Rates are in requests per minute.
  package struct Point: Hashable, Sendable {
    /// Seconds since the beginning.
    package var time: Double
    /// What was asked for.
    package var demand: Double
    /// What was served here.
    package var local: Double
    /// What each neighbour served, in the order of ``OverflowSeries/neighbours``. A missing one counts as nothing.
    package var remote: [Double]
    /// What was turned away.
    package var shed: Double
    /// The mean response time in seconds; nil where it is unknown.
    package var responseTime: Double?

    /// Makes a point.
    package init(
      time: Double, demand: Double, local: Double, remote: [Double] = [], shed: Double = 0, responseTime: Double? = nil
    ) {
      self.time = time
      self.demand = demand
      self.local = local
      self.remote = remote
      self.shed = shed
      self.responseTime = responseTime
    }
  }

  /// What it is called: a service, or a way to run it.
  package var name: String
  /// The neighbours, nearest first.
  package var neighbours: [String]
  /// What the service can bear here, in requests per minute; nil where it is unknown.
  package var capacity: Double?
  /// The points in the order of their times.
  package var points: [Point]

  /// Makes a series.
  package init(name: String, neighbours: [String] = [], capacity: Double? = nil, points: [Point] = []) {
    self.name = name
    self.neighbours = neighbours
    self.capacity = capacity
    self.points = points
  }

  /// What can be drawn: at most so many points, each the mean of those that it stands for, and no figure that is none.
  func drawable(most: Int) -> OverflowSeries {
    var copy = self
    copy.capacity = capacity.flatMap { $0.isFinite ? $0 : nil }
    let sound = points.filter(\.time.isFinite).map { $0.sound(neighbours: neighbours.count) }
    copy.points = sound
    guard sound.count > most, most > 0 else { return copy }
    copy.points = (0..<most).map { k in Self.mean(sound[k * sound.count / most..<(k + 1) * sound.count / most]) }
    return copy
  }

  /// - Parameter points: at least one, all with as many neighbours.
  private static func mean(_ points: ArraySlice<Point>) -> Point {
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
    let responseTimes = points.compactMap(\.responseTime)
    return Point(
      time: mean(points.map(\.time)), demand: mean(points.map(\.demand)), local: mean(points.map(\.local)),
      remote: (points.first?.remote.indices ?? 0..<0).map { k in mean(points.map { $0.remote[k] }) },
      shed: mean(points.map(\.shed)), responseTime: responseTimes.isEmpty ? nil : mean(responseTimes))
  }
}

extension OverflowSeries.Point {
  /// What was served or turned away.
  var total: Double { local + remote.reduce(0, +) + shed }

  /// The point with a figure for each neighbour, and nothing where there is no number of any sense.
  fileprivate func sound(neighbours: Int) -> Self {
    func sound(_ value: Double) -> Double { value.isFinite ? min(1e12, max(0, value)) : 0 }
    var copy = self
    copy.demand = sound(demand)
    copy.local = sound(local)
    copy.remote = (0..<neighbours).map { remote.indices.contains($0) ? sound(remote[$0]) : 0 }
    copy.shed = sound(shed)
    copy.responseTime = responseTime.flatMap { $0.isFinite ? sound($0) : nil }
    return copy
  }
}
