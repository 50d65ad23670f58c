/// Numbers as nobody should write them, and texts with one of them in the place of each number.
package enum HostileNumbers {
  /// As integers of 64 bits.
  package static let integers: [UInt64] = [
    0, 1, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32, 1 << 53 + 1, 1 << 63 - 1, 1 << 63, .max,
  ]

  /// As floating-point numbers.
  package static let doubles: [Double] = [
    0, -0.0, -1, .leastNonzeroMagnitude, 1e-300, 4.5e307, 1e308, -1e308, .infinity, -.infinity, .nan, 0x1p53, 0x1p63,
    -0x1p63,
    0x1p64,
  ]

  /// As texts.
  package static let texts: [String] = [
    "0", "-1", "5e-324", "4.5e307", "1e308", "-1e308", "1e400", "1e18", "1e-400", "inf", "-inf", "nan", ".inf", ".nan",
    "Infinity", "NaN", "2147483648", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
    "18446744073709551616", "0.5", "1e99999999999999999999", String(repeating: "9", count: 100_000),
    "0." + String(repeating: "0", count: 100_000) + "1",
  ]

  /// A text with a number in it replaced.
  package struct Variant: Sendable {
    /// What was replaced by what.
    package let place: String
    /// The whole text.
    package let text: String
  }

  /// A text with each number in it, one after the other, replaced by each hostile one.
  ///
  /// - Parameter most: how many of the numbers are replaced, evenly spread over the text.
  package static func variants(of text: String, most: Int = .max) -> [Variant] {
    let places = numbers(in: Array(text.utf8))
    let step = most >= places.count ? 1 : (places.count + most - 1) / max(1, most)
    return stride(from: 0, to: places.count, by: step).flatMap { index in
      let utf8 = Array(text.utf8)
      let before = String(decoding: utf8[..<places[index].lowerBound], as: UTF8.self)
      let after = String(decoding: utf8[places[index].upperBound...], as: UTF8.self)
      let number = String(decoding: utf8[places[index]], as: UTF8.self)
      return texts.map { hostile in
        Variant(place: "…\(before.suffix(40))\(number) → \(hostile.prefix(40))", text: before + hostile + after)
      }
    }
  }

  /// Where numbers are: digits, with a sign, a point and an exponent where they have them.
  private static func numbers(in text: [UInt8]) -> [Range<Int>] {
    func isDigit(_ index: Int) -> Bool { index < text.count && (0x30...0x39).contains(text[index]) }
    func isOne(_ index: Int, of characters: String) -> Bool {
      index < text.count && characters.utf8.contains(text[index])
    }
    var places: [Range<Int>] = []
    var index = 0
    while index < text.count {
      guard isDigit(index) else {
        index += 1
        continue
      }
      let start = index > 0 && isOne(index - 1, of: "-") ? index - 1 : index
      while isDigit(index) { index += 1 }
      if isOne(index, of: "."), isDigit(index + 1) {
        index += 1
        while isDigit(index) { index += 1 }
      }
      if isOne(index, of: "eE") {
        let digits = isOne(index + 1, of: "+-") ? index + 2 : index + 1
        if isDigit(digits) {
          index = digits
          while isDigit(index) { index += 1 }
        }
      }
      places.append(start..<index)
    }
    return places
  }
}
