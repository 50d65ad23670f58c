import ArgumentParser
import Formats

/// A selector's configuration file: its options' names as fields, each with a value, or a list where an option may be given
/// several times. What is said on the command line too counts from there, and adds up where there may be several.
enum SelectorConfiguration {
  /// A command line with the files that it names put in, in place of `--config FILE`; others stay as they are.
  ///
  /// Throws `FileError`.
  static func expanded(_ commandLine: [String]) throws -> [String] {
    guard commandLine.first == SelectorCommand.configuration.commandName else { return commandLine }
    var rest: [String] = []
    var fromFiles: [String] = []
    var words = commandLine.dropFirst().makeIterator()
    while let word = words.next() {
      if word.hasPrefix("--config=") {
        fromFiles += try arguments(String(word.dropFirst("--config=".count)))
      } else if word == "--config", let path = words.next() {
        fromFiles += try arguments(path)
      } else {
        rest.append(word)
      }
    }
    return [commandLine[0]] + fromFiles + rest
  }

  /// The arguments that a file stands for.
  ///
  /// Throws `FileError`.
  static func arguments(_ path: String) throws -> [String] {
    try arguments(String(decoding: InputFile(path).readAll(), as: UTF8.self), file: path)
  }

  static func arguments(_ text: String, file: String) throws(FileError) -> [String] {
    let whole = try YAMLField(text: text, file: file)
    var arguments: [String] = []
    let fields = try whole.fields()
    for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
      // Options without a value.
      if ["in-cluster", "insecure", "orca", "overflow-policies", "review-tokens"].contains(name) {
        if try field.flag() { arguments.append("--\(name)") }
        continue
      }
      for value in try field.elements() { arguments.append("--\(name)=\(try value.text())") }
    }
    do {
      _ = try SelectorOptions.parse(arguments + ["--framed=unix:/x"])
    } catch {
      let message = SelectorOptions.message(for: error)
      throw (field(of: message, in: fields) ?? whole).error(message)
    }
    return arguments
  }

  /// The field whose option an error of the parser names.
  private static func field(of message: String, in fields: [String: YAMLField]) -> YAMLField? {
    let words = Set(message.split { !$0.isLetter && !$0.isNumber && $0 != "-" })
    return fields.filter { words.contains("--\($0.key)") }.min { $0.key < $1.key }?.value
  }
}
