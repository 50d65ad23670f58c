/// An argument of `--traffic`: a file, or a matrix's name and its file, as in `night=night.csv`.
///
/// A name has letters, digits, `-` and `_`; so a file whose own name has a `=` in it is reached by its path, as
/// `./a=b.csv`.
struct TrafficArgument: Hashable {
  /// As it was given.
  let argument: String
  /// The matrix; nil where the file has no name.
  let name: String?
  /// The file.
  let path: String

  init(_ argument: String) {
    self.argument = argument
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, parts[0].allSatisfy(Self.isOfName) {
      (name, path) = (String(parts[0]), String(parts[1]))
    } else {
      (name, path) = (nil, argument)
    }
  }

  private static func isOfName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "-" || character == "_"
  }
}
