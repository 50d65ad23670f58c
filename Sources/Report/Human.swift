import Model
package import Placement

/// Figures as people read them: three digits that count and a unit, never more precision than there is.
package enum Human {
  /// A traffic rate in a problem's unit: `8.1 KiB/s`, `12.3 k req/s`.
  package static func traffic(_ perSecond: Double, unit: Problem.TrafficUnit) -> String {
    switch unit {
    case .bytesPerSecond: bytes(perSecond) + "/s"
    case .requestsPerSecond: scaled(perSecond, step: 1000, units: ["", "k ", "M ", "G ", "T ", "P "]) + "req/s"
    }
  }

  /// A size: `512 B`, `1.5 GiB`.
  package static func bytes(_ bytes: Double) -> String {
    scaled(bytes, step: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
  }

  /// A number without a unit: `0.842`, `12.3`, `1.23 M`; `–` for one that is larger than the largest of these tells in three
  /// digits, or is none.
  package static func number(_ number: Double) -> String {
    guard number.magnitude < 999.5e18 else { return "–" }
    let text = scaled(number, step: 1000, units: ["", "k", "M", "G", "T", "P", "E"])
    return text.hasSuffix(" ") ? String(text.dropLast()) : text
  }

  /// A share from 0 to 1 as a percentage. Only what is exactly nothing reads `0 %` and only what is exactly all reads
  /// `100 %`.
  package static func percent(_ share: Double) -> String {
    guard share.isFinite else { return "–" }
    if share < 0 { return "−" + percent(-share) }
    if share == 0 { return "0 %" }
    if share == 1 { return "100 %" }
    if share < 0.0005 { return "<0.1 %" }
    if share < 1, share >= 0.9995 { return "99.9 %" }
    return fixed(share * 100, decimals: 1) + " %"
  }

  /// A span of time: `480 ms`, `9.8 s`, `1 m 05 s`, `2 h 03 m`.
  package static func duration(_ duration: Duration) -> String {
    let (whole, atto) = duration.components
    let seconds = Double(whole) + Double(atto) * 1e-18
    if seconds < 0 { return "0 s" }
    if seconds < 0.9995 { return fixed(seconds * 1000, decimals: 0) + " ms" }
    if seconds < 59.95 { return fixed(seconds, decimals: 1) + " s" }
    let minutes = Int64(saturating: seconds.rounded()) / 60
    if minutes < 60 { return "\(minutes) m \(padded(Int64(saturating: seconds.rounded()) % 60)) s" }
    return "\(minutes / 60) h \(padded(minutes % 60)) m"
  }

  /// A count with its noun, the plural made by an `s`: `1 move`, `12,345 moves`.
  package static func count(_ count: Int, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// A whole number with thousands set apart: `12,345`.
  package static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i).isMultiple(of: 3) { text.append(",") }
      text.append(digit)
    }
    return number < 0 ? "−" + text : text
  }

  /// A number with a fixed count of decimals, rounded half away from zero.
  package static func fixed(_ number: Double, decimals: Int) -> String {
    guard number.isFinite else { return "–" }
    let power = (0..<decimals).reduce(1.0) { product, _ in product * 10 }
    let scaled = (number.magnitude * power).rounded()
    guard scaled < 9e15 else { return "\(number)" }
    let whole = Int64(saturating: scaled)
    let sign = number < 0 && whole > 0 ? "−" : ""
    guard decimals > 0 else { return sign + "\(whole)" }
    let fraction = String(whole % Int64(saturating: power))
    return sign + "\(whole / Int64(saturating: power))." + String(repeating: "0", count: decimals - fraction.count)
      + fraction
  }

  /// A number with three digits that count, without trailing zeros behind the point.
  static func significant(_ number: Double) -> String {
    let size = number.magnitude
    guard size > 0 else { return "0" }
    var decimals = 0
    var limit = 99.95
    while decimals < 9, size < limit {
      decimals += 1
      limit /= 10
    }
    var text = fixed(number, decimals: decimals)
    guard decimals > 0 else { return text }
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  private static func scaled(_ number: Double, step: Double, units: [String]) -> String {
    guard number.isFinite else { return "–" }
    var value = number
    var i = 0
    // From 999.5 on three digits would read 1000.
    while value.magnitude >= step - 0.5, i + 1 < units.count {
      value /= step
      i += 1
    }
    return significant(value) + " " + units[i]
  }

  private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
