/// Text from outside as it may stand in a query.
enum PromQL {
  /// A string literal. Prometheus reads them as Go does: what is neither printable nor plain is escaped.
  static func quoted(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "\"") { literal, scalar in
      switch scalar {
      case "\"", "\\": literal += "\\\(scalar)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        literal += "\\x" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
      default: literal.unicodeScalars.append(scalar)
      }
    } + "\""
  }

  /// A pattern (RE2) that matches a text and nothing else.
  static func pattern(_ text: String) -> String {
    text.unicodeScalars.reduce(into: "") { pattern, scalar in
      if #"\.+*?()|[]{}^$"#.unicodeScalars.contains(scalar) { pattern += #"\"# }
      pattern.unicodeScalars.append(scalar)
    }
  }
}
