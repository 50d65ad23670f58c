public import Logging

extension Logger {
  /// A logger that says nothing: for tests in which things go wrong on purpose.
  public static var silent: Logger { Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() } }
}
