/// Why Prometheus told no traffic.
public struct PrometheusError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error.
  public struct Code: Hashable, Sendable {
    private enum Value { case badConfiguration, unreachable, refused, invalidAnswer, noTraffic }
    private var value: Value

    /// The address, the token or the authorities cannot be used.
    public static let badConfiguration = Code(value: .badConfiguration)
    /// There was no answer, or none in time.
    public static let unreachable = Code(value: .unreachable)
    /// The answer was no.
    public static let refused = Code(value: .refused)
    /// The answer is not one of Prometheus.
    public static let invalidAnswer = Code(value: .invalidAnswer)
    /// No series answers the queries.
    public static let noTraffic = Code(value: .noTraffic)
  }

  /// The kind of error.
  public var code: Code
  /// Who was asked what, what was found and what was expected.
  public var message: String

  /// Makes an error.
  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
