extension Quantity {
  /// Parses every notation that Kubernetes knows; nil where the text is none of them.
  ///
  /// The grammar is that of `apimachinery/pkg/api/resource/quantity.go`: a signed decimal number (`.5` and `5.` are
  /// numbers too), then one of `n u m k M G T P E`, one of `Ki Mi Gi Ti Pi Ei`, or `e`/`E` and a signed integer.
  package init?(_ text: some StringProtocol) {
    var number = Number()
    var rest = Array(text.utf8)[...]
    let negative = rest.first == UInt8(ascii: "-")
    if negative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
    var digits = 0
    var inFraction = false
    scan: while let byte = rest.first {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        number.append(digit: byte - UInt8(ascii: "0"), inFraction: inFraction)
        digits += 1
      case UInt8(ascii: ".") where !inFraction:
        inFraction = true
      default:
        break scan
      }
      rest.removeFirst()
    }
    guard digits > 0, let suffix = Suffix(rest) else { return nil }
    let magnitude = number.nanos(times: suffix)
    self.init(nanos: negative ? -magnitude : magnitude, notation: suffix.notation)
  }

  /// What follows the number: it multiplies by `2^twos · 10^tens`.
  private struct Suffix {
    var twos = 0
    var tens = 0
    var notation = Notation.decimal

    init?(_ bytes: ArraySlice<UInt8>) {
      guard let first = bytes.first else { return }
      let rest = bytes.dropFirst()
      if rest.isEmpty {
        guard let index = Array("numkMGTPE".utf8).firstIndex(of: first) else { return nil }
        tens = [-9, -6, -3, 3, 6, 9, 12, 15, 18][index]
      } else if rest.elementsEqual("i".utf8) {
        guard let index = Array("KMGTPE".utf8).firstIndex(of: first) else { return nil }
        twos = 10 * (index + 1)
        notation = .binary
      } else if first == UInt8(ascii: "e") || first == UInt8(ascii: "E") {
        // Kubernetes takes any 64-bit exponent; beyond ±1000 the amount is cut or rounded up alike.
        guard let exponent = Int64(String(decoding: rest, as: UTF8.self)) else { return nil }
        tens = Int(min(max(exponent, -1000), 1000))
        notation = .exponent
      } else {
        return nil
      }
    }
  }

  /// A decimal number `mantissa · 10^tens`, with whether nonzero digits were left out at the end.
  private struct Number {
    /// At most 37 digits, which is more than an amount within bounds has down to its billionths.
    var mantissa: UInt128 = 0
    var tens = 0
    var isTruncated = false

    mutating func append(digit: UInt8, inFraction: Bool) {
      if mantissa < Self.ten36 {
        mantissa = mantissa * 10 + UInt128(digit)
        tens -= inFraction ? 1 : 0
      } else {
        isTruncated = isTruncated || digit != 0
        tens += inFraction ? 0 : 1
      }
    }

    static let ten36 = power(36)
    static func power(_ exponent: Int) -> UInt128 { (0..<exponent).reduce(1) { power, _ in power * 10 } }

    /// The amount in billionths, rounded up, at most ``Quantity/largest``.
    func nanos(times suffix: Suffix) -> Int128 {
      guard mantissa > 0 else { return 0 }
      var exponent = tens + suffix.tens + 9
      var (high, low) = mantissa.multipliedFullWidth(by: UInt128(1) << UInt128(suffix.twos))
      while exponent > 0 {
        // 37 digits are above the largest amount, whatever follows.
        guard high == 0, low < Self.ten36 else { return Quantity.largest }
        low *= 10
        exponent -= 1
      }
      var isInexact = isTruncated
      while exponent < 0, high > 0 || low > 0 {
        let step = min(-exponent, 38)
        let divisor = Self.power(step)
        guard high < divisor else { return Quantity.largest }
        let (quotient, remainder) = divisor.dividingFullWidth((high, low))
        isInexact = isInexact || remainder != 0
        (high, low) = (0, quotient)
        exponent += step
      }
      guard high == 0, low < UInt128(clamping: Quantity.largest) else { return Quantity.largest }
      return Int128(low) + (isInexact ? 1 : 0)
    }
  }
}
