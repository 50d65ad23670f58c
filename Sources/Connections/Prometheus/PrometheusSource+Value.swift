import FoundationEssentials

extension PrometheusSource {
  /// Asks for one figure: the sum of the series that answer a query in PromQL; nil where none does, or none has a number.
  ///
  /// - Parameters:
  ///   - expression: the query.
  ///   - transport: the connections to ask on.
  ///
  /// Throws ``PrometheusError``, and `CancellationError` in a cancelled task.
  package func value(of expression: String, on transport: HTTPTransport) async throws -> Double? {
    let values = try await series(of: expression, on: transport).map(\.value.number).filter(\.isFinite)
    return values.isEmpty ? nil : values.reduce(0, +)
  }

  /// Asks for figures: the sums of the series that answer a query in PromQL, by one of their labels. What has no number
  /// is missing, and a series without the label has it empty.
  ///
  /// Throws ``PrometheusError``, and `CancellationError` in a cancelled task.
  package func values(
    of expression: String, by label: String, on transport: HTTPTransport
  ) async throws -> [String: Double] {
    var values: [String: Double] = [:]
    for series in try await series(of: expression, on: transport) where series.value.number.isFinite {
      values[series.metric?[label] ?? "", default: 0] += series.value.number
    }
    return values
  }

  private func series(of expression: String, on transport: HTTPTransport) async throws -> [Answer.Series] {
    let request = try authorized(OutgoingRequest(url: url, headers: [.init("Accept", "application/json")]))
    let (body, status) = try await ask(expression, request, transport)
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
      let code: PrometheusError.Code = 200..<300 ~= status ? .invalidAnswer : .refused
      throw PrometheusError(code: code, message: "\(url): HTTP \(status), expected an answer of Prometheus to a query")
    }
    guard answer.status == "success", let data = answer.data else {
      throw PrometheusError(code: .refused, message: "\(url): \(answer.error ?? "the query failed")")
    }
    return data.series
  }

  fileprivate struct Answer: Decodable {
    var status: String
    var error: String?
    var data: Contents?

    /// A vector, whose values are of its series, or a scalar.
    struct Contents: Decodable {
      var series: [Series]

      private enum CodingKeys: CodingKey { case resultType, result }

      init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        switch try fields.decode(String.self, forKey: .resultType) {
        case "vector": series = try fields.decode([Series].self, forKey: .result)
        case "scalar": series = [Series(value: try fields.decode(Sample.self, forKey: .result))]
        case let other:
          throw DecodingError.dataCorruptedError(
            forKey: .resultType, in: fields, debugDescription: "found \(other), expected a vector or a scalar")
        }
      }
    }

    struct Series: Decodable {
      var metric: [String: String]?
      var value: Sample
    }

    /// A time and a value, which is text.
    struct Sample: Decodable {
      var number: Double

      init(from decoder: any Decoder) throws {
        var fields = try decoder.unkeyedContainer()
        _ = try fields.decode(Double.self)
        number = Double(try fields.decode(String.self)) ?? .nan
      }
    }
  }
}
