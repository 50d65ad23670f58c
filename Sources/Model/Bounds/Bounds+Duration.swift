extension Bounds<Duration> {
  /// After which time without measurements requests go home.
  public static var safeAfter: Bounds { Bounds("duration", .seconds(1)...(.seconds(86_400))) }
  /// For how long a split is held.
  public static var hold: Bounds { Bounds("duration", .zero...(.seconds(3600))) }
  /// For how long replicas may be registered.
  public static var registration: Bounds { Bounds("duration", .seconds(1)...(.seconds(86_400))) }
  /// For how long headroom that was said holds.
  public static var headroom: Bounds { Bounds("duration", .zero...(.seconds(3600))) }
  /// A duration that an option names: at most a year.
  public static var option: Bounds { Bounds("duration", .nanoseconds(1)...(.seconds(366 * 24 * 3600))) }
}

extension Duration {
  private static let attosecondsOfUnit: [String: Int128] = [
    "ms": 1_000_000_000_000_000,
    "s": 1_000_000_000_000_000_000,
    "m": 60_000_000_000_000_000_000,
    "h": 3600_000_000_000_000_000_000,
  ]

  /// Reads numbers with the units h, m, s and ms, such as `500ms`, `60s`, `1h30m`, `1.5s`; nil where a text is none. What
  /// is longer than a century is a century.
  public init?(text: some StringProtocol) {
    let longest = Duration.seconds(36_525 * 86_400)
    var total = Duration.zero
    var rest = Substring(text)
    repeat {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let amount = Double(number), let size = Self.attosecondsOfUnit[String(unit)] else { return nil }
      if amount * Double(size) < Double(longest.attoseconds) {
        let whole = amount.rounded(.down)
        // What is left is less than one unit.
        total += Duration(
          attoseconds: Int128(saturating: whole) * size
            + Int128(saturating: ((amount - whole) * Double(size)).rounded()))
      } else {
        total = longest
      }
      total = min(total, longest)
    } while !rest.isEmpty
    self = total
  }
}
