import Model

/// HTML or SVG. Text that is interpolated is escaped, markup that is interpolated is not: so a name from a cluster can
/// never become part of a page's structure.
struct Markup: ExpressibleByStringInterpolation, Sendable {
  private(set) var text: String

  init(stringLiteral value: String) { text = value }

  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  /// Trusted text, such as a style sheet of our own, as it is.
  init(verbatim text: String) { self.text = text }

  static func += (left: inout Markup, right: Markup) { left.text += right.text }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ markup: Markup) { text += markup.text }

    mutating func appendInterpolation(_ string: some StringProtocol) {
      for scalar in string.printable.unicodeScalars {
        switch scalar {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        case "\"": text += "&quot;"
        case "'": text += "&#39;"
        default: text.unicodeScalars.append(scalar)
        }
      }
    }

    mutating func appendInterpolation(_ number: Int) { text += String(number) }

    /// A coordinate, to a hundredth.
    mutating func appendInterpolation(_ coordinate: Double) {
      guard coordinate.isFinite, coordinate.magnitude < 1e9 else {
        text += "0"
        return
      }
      let hundredths = Int(saturating: (coordinate * 100).rounded())
      if hundredths < 0 { text += "-" }
      text += String(hundredths.magnitude / 100)
      let fraction = hundredths.magnitude % 100
      guard fraction > 0 else { return }
      text += fraction < 10 ? ".0" : "."
      text += fraction % 10 == 0 ? String(fraction / 10) : String(fraction)
    }
  }
}

extension Sequence<Markup> {
  /// All of it, one after the other.
  func joined() -> Markup { Markup(verbatim: map(\.text).joined()) }
}
