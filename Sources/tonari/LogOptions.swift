import ArgumentParser
import Logging

/// What a daemon tells.
struct LogOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What is logged: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")). (default: info)",
      valueName: "level"),
    completion: .list(Logger.Level.allCases.map(\.rawValue)),
    transform: { text in
      guard let level = Logger.Level(rawValue: text) else {
        throw ValidationError(
          "'\(text)': expected one of \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return level
    }
  )
  var logLevel = Logger.Level.info

  /// A logger that writes to standard error, each message in one line whatever it holds.
  func logger(_ label: String) -> Logger {
    var logger = Logger(label: label) { StreamLogHandler(label: $0, stream: LogLines()) }
    logger.logLevel = logLevel
    return logger
  }
}
