package import Logging

extension Logger {
  /// A logger that says nothing: for tests in which things go wrong on purpose.
  package static var silent: Logger { Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() } }
}
