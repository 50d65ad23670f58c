/// A moment as Kubernetes writes it: RFC 3339 text in UTC, exact to the microsecond (`MicroTime` of meta/v1).
package struct Timestamp: Hashable, Comparable, Sendable {
  /// Microseconds since 1970-01-01T00:00:00Z.
  package var microseconds: Int64

  /// Makes a moment.
  package init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// Orders by time.
  package static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
}

extension Timestamp {
  /// Reads RFC 3339 text; what is finer than a microsecond is dropped.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    func number(_ start: Int, _ count: Int) -> Int64? {
      guard start + count <= bytes.count else { return nil }
      var value: Int64 = 0
      for byte in bytes[start..<(start + count)] {
        guard 0x30...0x39 ~= byte else { return nil }
        value = value * 10 + Int64(byte - 0x30)
      }
      return value
    }
    func has(_ index: Int, _ characters: String) -> Bool {
      index < bytes.count && characters.utf8.contains(bytes[index])
    }
    guard let year = number(0, 4), has(4, "-"), let month = number(5, 2), has(7, "-"), let day = number(8, 2),
      has(10, "Tt "), let hour = number(11, 2), has(13, ":"), let minute = number(14, 2), has(16, ":"),
      let second = number(17, 2), 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second <= 60
    else { return nil }
    var index = 19
    var fraction: Int64 = 0
    if has(index, ".") {
      index += 1
      let start = index
      while index < bytes.count, 0x30...0x39 ~= bytes[index] {
        if index < start + 6 { fraction = fraction * 10 + Int64(truncatingIfNeeded: bytes[index] &- 0x30) }
        index += 1
      }
      guard index > start else { return nil }
      for _ in min(index - start, 6)..<6 { fraction *= 10 }
    }
    var offset: Int64 = 0
    if has(index, "+-") {
      guard let hours = number(index + 1, 2), has(index + 3, ":"), let minutes = number(index + 4, 2),
        bytes.count == index + 6
      else { return nil }
      offset = (hours * 60 + minutes) * 60 * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
    } else {
      guard has(index, "Zz"), bytes.count == index + 1 else { return nil }
    }
    let days = Self.days(year: year, month: month, day: day)
    microseconds = (days * 86_400 + hour * 3_600 + minute * 60 + second - offset) * 1_000_000 + fraction
  }

  /// The days from 1970-01-01 to a date, counted in years that start in March, so that the leap day is the last.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return shifted * 365 + floored(shifted, 4) - floored(shifted, 100) + floored(shifted, 400) + dayOfYear - 719_468
  }

  private static func floored(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : (value - divisor + 1) / divisor
  }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339 text in UTC with all six digits of the fraction, which `MicroTime` insists on.
  package var description: String {
    let seconds = Self.floored(microseconds, 1_000_000)
    let days = Self.floored(seconds, 86_400)
    // The inverse of ``days(year:month:day:)``, by eras of 400 years.
    let shifted = days + 719_468
    let era = Self.floored(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
    let second = seconds - days * 86_400

    func padded(_ value: Int64, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month >= 10 ? month - 9 : month + 3, 2))-\(padded(day, 2))"
      + "T\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
      + ".\(padded(microseconds - seconds * 1_000_000, 6))Z"
  }
}
