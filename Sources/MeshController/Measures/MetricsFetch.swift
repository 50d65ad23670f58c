import Connections

/// Asks for metrics by HTTP.
struct MetricsFetch: Sendable {
  /// Who did not answer, and why.
  struct Fault: Error, CustomStringConvertible {
    var description: String
    /// Whether nobody takes connections there.
    var isGone = false
  }

  /// The most bytes that an answer may have.
  private static let answerLimit = 64 << 20

  private let transport = HTTPTransport()
  /// How long an answer may take.
  let timeout: Duration

  /// The body of the answer of an address.
  ///
  /// Throws ``Fault``, and `CancellationError` in a cancelled task.
  func callAsFunction(_ url: String) async throws -> [UInt8] {
    do {
      let request = OutgoingRequest(url: url, headers: [.init("Accept", "text/plain")], timeout: timeout)
      let response = try await transport.send(request)
      let body = try await response.body.collect(upTo: Self.answerLimit)
      guard 200..<300 ~= response.status else {
        throw Fault(description: "\(url): found status \(response.status), expected 200")
      }
      return body
    } catch let error as TransportError {
      throw Fault(description: "\(url): \(error)", isGone: error.code == .notConnected)
    }
  }
}
