import ArgumentParser
import Model

extension Duration {
  /// Reads a duration from an argument: numbers with the units h, m, s and ms, such as `500ms`, `60s`, `1h30m`, `1.5s`.
  ///
  /// Throws a `ValidationError` that names what was found and what was expected.
  static func argument(_ text: String) throws -> Duration {
    guard let duration = Duration(text: text) else {
      throw ValidationError("'\(text.prefix(40))': expected a duration such as 500ms, 60s, 5m or 1h30m")
    }
    guard duration > .zero else { throw ValidationError("'\(text.prefix(40))': expected a duration above zero") }
    guard Bounds.option.contains(duration) else {
      throw ValidationError("'\(text.prefix(40))': expected a duration of at most a year")
    }
    return duration
  }
}
