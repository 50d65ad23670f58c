/// Why Prometheus told no traffic.
package struct PrometheusError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  package struct Code: Hashable, Sendable {
    private enum Value { case badConfiguration, unreachable, refused, invalidAnswer, noTraffic }
    private var value: Value

    /// The address, the token or the authorities cannot be used.
    package static let badConfiguration = Code(value: .badConfiguration)
    /// There was no answer, or none in time.
    package static let unreachable = Code(value: .unreachable)
    /// The answer was no.
    package static let refused = Code(value: .refused)
    /// The answer is not one of Prometheus.
    package static let invalidAnswer = Code(value: .invalidAnswer)
    /// No series answers the queries.
    package static let noTraffic = Code(value: .noTraffic)
  }

  /// The kind of error.
  package var code: Code
  /// Who was asked what, what was found and what was expected.
  package var message: String

  /// Makes an error.
  package init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  package var description: String { message }
}
