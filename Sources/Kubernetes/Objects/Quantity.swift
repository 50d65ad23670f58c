import FoundationEssentials

/// An amount of a resource in Kubernetes' notation, such as `250m`, `1.5Gi` or `12e6`.
///
/// It is exact to a billionth, the finest that Kubernetes knows; what is finer is rounded up (away from zero), and what
/// is beyond ±(2⁶³ − 1) is cut to that, both as Kubernetes does. Two quantities are equal when their amounts are,
/// however they were written.
package struct Quantity: Sendable {
  /// The family of suffixes that a quantity was written with, and is printed with.
  enum Notation: Sendable {
    /// `n`, `u`, `m`, none, `k`, `M`, `G`, `T`, `P`, `E`.
    case decimal
    /// `Ki`, `Mi`, `Gi`, `Ti`, `Pi`, `Ei`.
    case binary
    /// `e3`, `E6`.
    case exponent
  }

  /// The amount in billionths; its magnitude is at most ``largest``.
  let nanos: Int128
  /// How the amount is printed.
  let notation: Notation

  /// 2⁶³ − 1 in billionths.
  static let largest = Int128(clamping: Int64.max) * 1_000_000_000

  init(nanos: Int128, notation: Notation = .decimal) {
    self.nanos = min(max(nanos, -Self.largest), Self.largest)
    self.notation = notation
  }

  /// No amount.
  package static let zero = Quantity(nanos: 0)

  /// Makes a whole amount.
  package init(_ value: Int64) {
    self.init(nanos: Int128(value) * 1_000_000_000)
  }

  /// The amount in whole units (bytes, cores, pods), rounded up away from zero.
  package var value: Int64 { rounded(to: 1_000_000_000) }

  /// The amount in thousandths (millicores), rounded up away from zero; ±`Int64.max` where it would be beyond.
  package var milliValue: Int64 { rounded(to: 1_000_000) }

  private func rounded(to unit: Int128) -> Int64 {
    let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: unit)
    return Int64(clamping: max(-Int128(clamping: Int64.max), quotient + remainder.signum()))
  }

  /// The sum, cut to ±(2⁶³ − 1).
  package static func + (a: Quantity, b: Quantity) -> Quantity {
    Quantity(nanos: a.nanos + b.nanos, notation: a.nanos == 0 ? b.notation : a.notation)
  }

  /// The difference, cut to ±(2⁶³ − 1).
  package static func - (a: Quantity, b: Quantity) -> Quantity {
    Quantity(nanos: a.nanos - b.nanos, notation: a.notation)
  }
}

extension Quantity: Comparable, Hashable {
  /// Whether the amounts are the same.
  package static func == (a: Quantity, b: Quantity) -> Bool { a.nanos == b.nanos }
  /// Orders by amount.
  package static func < (a: Quantity, b: Quantity) -> Bool { a.nanos < b.nanos }
  /// Hashes the amount.
  package func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity: CustomStringConvertible {
  /// The canonical form: the largest suffix of its notation that leaves a whole number.
  package var description: String {
    let one: Int128 = 1_000_000_000
    switch notation {
    case .binary where nanos % one == 0 && abs(nanos) >= 1024 * one:
      let steps = min(6, (nanos / one).trailingZeroBitCount / 10)
      return "\((nanos / one) >> (10 * steps))" + ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][steps]
    case .exponent:
      let (digits, steps) = thousands
      return steps == 3 ? "\(digits)" : "\(digits)e\(3 * steps - 9)"
    case .binary, .decimal:
      let (digits, steps) = thousands
      return "\(digits)" + ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][steps]
    }
  }

  /// The amount as a whole number of billionths times a power of 1000 as large as can be.
  private var thousands: (digits: Int128, steps: Int) {
    guard nanos != 0 else { return (0, 3) }
    var digits = nanos
    var steps = 0
    while digits % 1000 == 0, steps < 9 {
      digits /= 1000
      steps += 1
    }
    return (digits, steps)
  }
}

extension Quantity: Codable {
  /// Reads a quantity from a string or a number.
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = (try? container.decode(String.self)) ?? (try? container.decode(Decimal.self))?.description
    guard let quantity = text.flatMap({ Quantity($0) }) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "a quantity such as 250m, 2 or 1.5Gi"
      )
    }
    self = quantity
  }

  /// Writes the canonical form as a string.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
