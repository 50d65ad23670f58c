/// Reads a decimal number such as `-12.5e3`, the whole of the bytes; nil where they are anything else.
///
/// The grammar is JSON's, and beside it a leading `+`, leading zeros and a missing digit on one side of the point,
/// which occur in CSV. Names (`NaN`, `inf`) and hexadecimal are not numbers here. A number too large for `Double` is
/// infinite.
func decimal(_ bytes: UnsafeRawBufferPointer) -> Double? {
  var index = 0
  let count = bytes.count
  var isNegative = false
  if index < count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
    isNegative = bytes[index] == UInt8(ascii: "-")
    index += 1
  }

  // Digits gather in an integer; past 19 of them it would overflow and the slow path takes over.
  var mantissa: UInt64 = 0
  var digits = 0
  var scale = 0
  let integerStart = index
  while index < count, bytes[index].digit < 10 {
    mantissa = mantissa &* 10 &+ UInt64(bytes[index].digit)
    index += 1
  }
  digits = index - integerStart
  if index < count, bytes[index] == UInt8(ascii: ".") {
    index += 1
    let fractionStart = index
    while index < count, bytes[index].digit < 10 {
      mantissa = mantissa &* 10 &+ UInt64(bytes[index].digit)
      index += 1
    }
    scale = fractionStart - index
    digits += index - fractionStart
  }
  guard digits > 0 else { return nil }

  if index < count, bytes[index] | 0x20 == UInt8(ascii: "e") {
    index += 1
    var exponentIsNegative = false
    if index < count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
      exponentIsNegative = bytes[index] == UInt8(ascii: "-")
      index += 1
    }
    let exponentStart = index
    var exponent = 0
    while index < count, bytes[index].digit < 10 {
      exponent = min(exponent * 10 + Int(bytes[index].digit), 1_000_000)
      index += 1
    }
    guard index > exponentStart else { return nil }
    scale += exponentIsNegative ? -exponent : exponent
  }
  guard index == count else { return nil }

  // Both operands are exact doubles, so that one rounding gives the nearest one (Clinger's fast path).
  if digits <= 19, mantissa <= 1 << 53, -22...22 ~= scale {
    let magnitude =
      scale < 0 ? Double(mantissa) / powersOfTen[-scale] : Double(mantissa) * powersOfTen[scale]
    return isNegative ? -magnitude : magnitude
  }
  return Double(bytes.text)
}

extension Double {
  /// Whether this can be a rate or a count: no less than nothing, and far enough from the largest number that sums of
  /// rates stay finite.
  var isRate: Bool { 0...1e100 ~= self }
}

private let powersOfTen: [Double] = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]
