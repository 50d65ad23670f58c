/// Reads a time such as `2024-05-01T12:00:00.123456789+02:00` (RFC 3339), in seconds since 1970; nil where it is none.
func rfc3339(_ bytes: UnsafeRawBufferPointer) -> Double? {
  func number(_ range: Range<Int>) -> Int? {
    guard range.upperBound <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[range] {
      guard byte.digit < 10 else { return nil }
      value = value * 10 + Int(byte.digit)
    }
    return value
  }
  func separated(_ index: Int, by separators: StaticString) -> Bool {
    index < bytes.count && (0..<separators.utf8CodeUnitCount).contains { separators.utf8Start[$0] == bytes[index] }
  }

  guard let year = number(0..<4), separated(4, by: "-"), let month = number(5..<7), separated(7, by: "-"),
    let day = number(8..<10), separated(10, by: "Tt "), let hour = number(11..<13), separated(13, by: ":"),
    let minute = number(14..<16), separated(16, by: ":"), let second = number(17..<19),
    1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second <= 60
  else { return nil }

  var index = 19
  var fraction = 0.0
  if separated(index, by: ".") {
    let start = index
    index += 1
    while index < bytes.count, bytes[index].digit < 10 { index += 1 }
    guard index > start + 1, let value = decimal(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) else {
      return nil
    }
    fraction = value
  }

  var offset = 0
  if separated(index, by: "+-") {
    guard let hours = number(index + 1..<index + 3), separated(index + 3, by: ":"),
      let minutes = number(index + 4..<index + 6), bytes.count == index + 6
    else { return nil }
    offset = (hours * 60 + minutes) * 60 * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
  } else {
    guard separated(index, by: "Zz"), bytes.count == index + 1 else { return nil }
  }

  let time = daysSince1970(year: year, month: month, day: day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
  return Double(time) + fraction
}

/// The days from 1970-01-01 to a date of the Gregorian calendar, counted in years that start in March, so that the
/// leap day is the last of its year.
private func daysSince1970(year: Int, month: Int, day: Int) -> Int {
  let shifted = month > 2 ? year : year - 1
  let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
  let era = (shifted >= 0 ? shifted : shifted - 399) / 400
  let yearOfEra = shifted - era * 400
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}
