extension FixedWidthInteger {
  /// The whole part of a number, or the nearest integer there is; 0 for what is no number.
  @inlinable
  public init(saturating value: Double) {
    if let whole = Self(exactly: value.rounded(.towardZero)) {
      self = whole
    } else {
      self = value.isNaN ? 0 : value < 0 ? .min : .max
    }
  }
}

extension Duration {
  /// The nanoseconds, or as many as there can be: 292 years.
  public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isTooMuch) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isTooLong || isTooMuch ? (seconds < 0 ? .min : .max) : sum
  }

  /// A duration of so many seconds, or the longest that has nanoseconds; zero for what is no number.
  public static func seconds(saturating seconds: Double) -> Duration {
    .nanoseconds(Int64(saturating: (seconds * 1e9).rounded()))
  }
}
