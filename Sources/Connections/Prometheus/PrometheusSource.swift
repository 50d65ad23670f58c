import Foundation
package import Traffic

/// Asks Prometheus, or what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics), who talks to whom.
package struct PrometheusSource: Sendable {
  /// Its address, such as `http://prometheus.monitoring:9090`, perhaps with a path.
  package var url: String
  /// What is asked for.
  package var metrics = PrometheusMetrics.automatic
  /// The time over which rates are taken.
  package var window = Duration.seconds(300)
  /// How long one answer may take.
  package var timeout = Duration.seconds(30)
  /// The file with the bearer token, read again for each reading; nil for none.
  package var tokenFile: String?
  /// The file with the authorities that vouch for the server, as PEM; nil for those that the system trusts.
  package var authorityFile: String?

  /// The most bytes that an answer may have.
  private static let answerLimit = 256 << 20

  /// Makes a source.
  ///
  /// Throws ``PrometheusError`` where the address is no HTTP URL.
  package init(_ url: String) throws(PrometheusError) {
    let components = URLComponents(string: url)
    guard let scheme = components?.scheme?.lowercased(), scheme == "http" || scheme == "https",
      components?.host?.isEmpty == false, components?.query == nil, components?.fragment == nil
    else {
      throw PrometheusError(
        code: .badConfiguration, message: "'\(url)': expected a URL such as http://prometheus.monitoring:9090")
    }
    self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
  }

  /// Asks for the traffic as it is now.
  ///
  /// Throws ``PrometheusError``, and `CancellationError` in a cancelled task.
  package func read() async throws -> TrafficReading {
    // Connections of a reading's own: one that went silent in the meantime holds nothing up.
    let transport = HTTPTransport()
    let request = try authorized(OutgoingRequest(url: url, headers: [.init("Accept", "application/json")]))
    for queries in metrics.alternatives(window: window) {
      var reader = TrafficReader(
        format: .prometheus, options: TrafficReader.Options(documentLimit: Self.answerLimit))
      for query in queries {
        let (body, status) = try await ask(query.expression, request, transport)
        try Self.take(body, status: status, source: url, metric: query.metric, into: &reader)
      }
      let reading = TrafficReading(reader.finish(), source: url)
      if reading.traffic.graphs.contains(where: { !$0.edges.isEmpty }) { return reading }
    }
    throw PrometheusError(
      code: .noTraffic, message: "\(url): found no series that say who talks to whom: \(metrics.expectation)")
  }

  func authorized(_ request: OutgoingRequest) throws(PrometheusError) -> OutgoingRequest {
    func contents(_ path: String) throws(PrometheusError) -> [UInt8] {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw PrometheusError(code: .badConfiguration, message: "\(path): the file cannot be read")
      }
      return [UInt8](data)
    }
    var request = request
    request.timeout = timeout
    if let tokenFile {
      let token = String(decoding: try contents(tokenFile), as: UTF8.self).trimmingCharacters(
        in: .whitespacesAndNewlines)
      request.headers.append(.init("Authorization", "Bearer \(token)"))
    }
    if let authorityFile { request.security = TransportSecurity(authorities: try contents(authorityFile)) }
    return request
  }

  /// Asks for what a query in PromQL says now, and answers what came back, whatever the status.
  func ask(
    _ expression: String, _ request: OutgoingRequest, _ transport: HTTPTransport
  ) async throws -> (body: [UInt8], status: Int) {
    var request = request
    request.url += "/api/v1/query?query=\(Self.encoded(expression))"
    do {
      let response = try await transport.send(request)
      return (try await response.body.collect(upTo: Self.answerLimit), response.status)
    } catch let error as TransportError {
      let code: PrometheusError.Code =
        switch error.code {
        case .invalidRequest, .notTrusted: .badConfiguration
        case .invalidResponse: .invalidAnswer
        default: .unreachable
        }
      throw PrometheusError(code: code, message: "\(url): \(error.message)")
    }
  }

  /// Reads an answer. What Prometheus itself has to say against a query is in it, whatever the status.
  static func take(
    _ body: [UInt8], status: Int, source: String, metric: String?, into reader: inout TrafficReader
  ) throws(PrometheusError) {
    do throws(TrafficError) {
      reader.begin(source, metric: metric)
      try body.withUnsafeBytes { bytes in Result { () throws(TrafficError) in try reader.read(bytes) } }.get()
      try reader.end()
      if 200..<300 ~= status { return }
    } catch {
      if error.code == .refused { throw PrometheusError(code: .refused, message: "\(source): \(error.message)") }
      if 200..<300 ~= status { throw PrometheusError(code: .invalidAnswer, message: "\(error)") }
    }
    let text = String(decoding: body.prefix(200), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    throw PrometheusError(
      code: .refused, message: "\(source): HTTP \(status)\(text.isEmpty ? "" : ": \(text)"), expected an answer")
  }

  /// Text as it may stand in a query's value (RFC 3986).
  private static func encoded(_ text: String) -> String {
    let unreserved = CharacterSet(charactersIn: "-._~").union(
      CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
    return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
  }
}

extension PrometheusMetrics {
  /// What there should have been.
  fileprivate var expectation: String {
    switch self {
    case .automatic: "expected Istio's metrics or OpenTelemetry's service graph"
    case .istio: "expected Istio's metrics"
    case .serviceGraph: "expected OpenTelemetry's service graph"
    case .queries: "expected the queries to have results"
    }
  }
}
