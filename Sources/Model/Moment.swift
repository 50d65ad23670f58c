/// A point in time, as nanoseconds since an origin that its maker chooses (a monotonic clock's, a simulation's start).
///
/// Selection has no clock: whoever asks says what time it is. Times must not run backwards.
public struct Moment: Hashable, Comparable, Sendable {
  /// Nanoseconds since the origin.
  public var nanoseconds: Int64

  /// Makes a moment from nanoseconds since the origin.
  public init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
  }

  /// The origin.
  public static let start = Moment(nanoseconds: 0)

  /// Makes a moment from seconds since the origin, or the last there is.
  public static func seconds(_ seconds: Double) -> Moment {
    Moment(nanoseconds: Int64(saturating: (seconds * 1e9).rounded()))
  }

  /// The moment a duration later, or the last or first one there is.
  public static func + (moment: Moment, duration: Duration) -> Moment {
    let nanoseconds = duration.wholeNanoseconds
    let (sum, isBeyond) = moment.nanoseconds.addingReportingOverflow(nanoseconds)
    return Moment(nanoseconds: isBeyond ? (nanoseconds < 0 ? .min : .max) : sum)
  }

  /// Seconds since the origin.
  public var seconds: Double { Double(nanoseconds) * 1e-9 }

  /// Seconds from another moment to this one; negative where that one is later.
  public func seconds(since other: Moment) -> Double {
    Double(nanoseconds &- other.nanoseconds) * 1e-9
  }

  /// Whether a moment is earlier than another.
  public static func < (a: Moment, b: Moment) -> Bool { a.nanoseconds < b.nanoseconds }
}
