package import Logging
package import Model

/// Logs what a peer may cause at will, at most once a second.
package struct LimitedLog {
  private let logger: Logger
  private var next = Moment(nanoseconds: .min)
  private var suppressed = 0

  package init(_ logger: Logger) {
    self.logger = logger
  }

  package mutating func warning(_ message: Logger.Message, _ metadata: Logger.Metadata, at now: Moment) {
    guard now >= next else {
      suppressed += 1
      return
    }
    var metadata = metadata
    if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
    logger.warning(message, metadata: metadata)
    suppressed = 0
    next = Moment(nanoseconds: now.nanoseconds + 1_000_000_000)
  }
}
