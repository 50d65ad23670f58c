/// How much is asked for over time: straight lines between points.
public struct DemandCurve: Hashable, Sendable {
  /// A rate at a time.
  public struct Point: Hashable, Sendable {
    /// Minutes since the beginning.
    public var minute: Double
    /// Requests per minute.
    public var perMinute: Double

    /// Makes a point.
    public init(minute: Double, perMinute: Double) {
      self.minute = minute
      self.perMinute = perMinute
    }
  }

  /// The points in the order of their times. Before the first and after the last, nothing is asked for.
  public var points: [Point]
  /// How far the rate strays from the line, as a share of it: drawn anew each second, evenly.
  public var noise: Double

  /// Makes a curve.
  public init(_ points: [Point], noise: Double = 0) {
    self.points = points
    self.noise = noise
  }

  /// The experiment's: 30 requests a minute more each minute up to 1,080 at 36 minutes, five minutes of that, and down
  /// again as it came.
  public static let ramp = DemandCurve([
    Point(minute: 0, perMinute: 0), Point(minute: 36, perMinute: 1080), Point(minute: 41, perMinute: 1080),
    Point(minute: 77, perMinute: 0),
  ])

  /// The same all the time.
  public static func steady(_ perMinute: Double, minutes: Double, noise: Double = 0) -> DemandCurve {
    DemandCurve(
      [Point(minute: 0, perMinute: perMinute), Point(minute: minutes, perMinute: perMinute)], noise: noise)
  }

  /// From one rate to another at once.
  public static func step(from low: Double, to high: Double, atMinute minute: Double, minutes: Double) -> DemandCurve {
    DemandCurve([
      Point(minute: 0, perMinute: low), Point(minute: minute, perMinute: low),
      Point(minute: minute, perMinute: high), Point(minute: minutes, perMinute: high),
    ])
  }

  /// Requests per minute at a time, without noise.
  public func perMinute(atMinute minute: Double) -> Double {
    guard let next = points.firstIndex(where: { $0.minute > minute }), next > 0 else { return 0 }
    let (a, b) = (points[next - 1], points[next])
    return a.perMinute + (b.perMinute - a.perMinute) * (minute - a.minute) / (b.minute - a.minute)
  }

  /// When it ends.
  public var minutes: Double { points.last?.minute ?? 0 }

  /// The highest rate there may be.
  var most: Double { (points.map(\.perMinute).max() ?? 0) * (1 + noise) }
}
