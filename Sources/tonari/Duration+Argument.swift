import ArgumentParser

extension Duration {
  private static let attosecondsOfUnit: [String: Int128] = [
    "ms": 1_000_000_000_000_000,
    "s": 1_000_000_000_000_000_000,
    "m": 60_000_000_000_000_000_000,
    "h": 3600_000_000_000_000_000_000,
  ]

  /// The longest duration that an argument may name: a year.
  private static let longest = Duration.seconds(366 * 24 * 3600)

  /// Reads a duration from an argument: numbers with the units h, m, s and ms, such as `500ms`, `60s`, `1h30m`, `1.5s`.
  ///
  /// Throws a `ValidationError` that names what was found and what was expected.
  static func argument(_ text: String) throws -> Duration {
    let wrong = ValidationError("'\(text)': expected a duration such as 500ms, 60s, 5m or 1h30m")
    var total = Duration.zero
    var rest = Substring(text)
    repeat {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let amount = Double(number), let size = attosecondsOfUnit[String(unit)] else { throw wrong }
      guard amount * Double(size) <= Double(longest.attoseconds) else {
        throw ValidationError("'\(text)': expected a duration of at most a year")
      }
      let whole = amount.rounded(.down)
      total += Duration(attoseconds: Int128(whole) * size + Int128(((amount - whole) * Double(size)).rounded()))
    } while !rest.isEmpty
    guard total <= longest else { throw ValidationError("'\(text)': expected a duration of at most a year") }
    guard total > .zero else { throw ValidationError("'\(text)': expected a duration above zero") }
    return total
  }
}
