import Foundation
import Model
import Selection

/// What Prometheus is asked for, each by an instant query whose answer has a series for each replica.
package struct LoadQueries: Hashable, Sendable {
  /// The figure that a query's values are.
  package enum Figure: String, CaseIterable, Hashable, Sendable {
    /// Requests that are there, worked on or waiting.
    case inFlight = "in-flight"
    /// Requests that wait.
    case queued
    /// The share of its CPU that is in use.
    case cpu
    /// What a request takes, in seconds.
    case latency
    /// Requests each second.
    case requests
    /// Requests each second that it answered with an error of its own.
    case errors
  }

  /// The queries, in PromQL.
  package var queries: [Figure: String]
  /// The label that holds a replica's address, `host:port`.
  package var addressLabel: String

  /// Makes queries.
  package init(_ queries: [Figure: String], addressLabel: String = "instance") {
    self.queries = queries
    self.addressLabel = addressLabel
  }

  /// The values of an answer by address.
  ///
  /// Throws ``StatisticsError``.
  func values(json: [UInt8], source: String) throws(StatisticsError) -> [String: Double] {
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(json)) else {
      throw StatisticsError(code: .invalidAnswer, message: "\(source): expected an answer of Prometheus to a query")
    }
    guard answer.status == "success", answer.data?.resultType == "vector", let result = answer.data?.result else {
      throw StatisticsError(
        code: .invalidAnswer,
        message: "\(source): expected a vector, found \(answer.error ?? answer.data?.resultType ?? answer.status)")
    }
    var values: [String: Double] = [:]
    for series in result {
      guard let address = series.metric[addressLabel], let value = Double(series.value.text), value.isFinite else {
        continue
      }
      values[address] = value
    }
    return values
  }

  /// Puts values into the loads of their replicas.
  static func add(_ values: [String: Double], _ figure: Figure, to loads: inout [String: LoadReport]) {
    func whole(_ value: Double) -> Int { Int(saturating: min(max(value, 0), 1e9).rounded()) }
    for (address, value) in values {
      var load = loads[address] ?? LoadReport()
      switch figure {
      case .inFlight: load.inFlight = whole(value)
      case .queued: load.queued = whole(value)
      case .cpu: load.cpuUtilization = value
      case .latency: load.latencySeconds = value
      case .requests: load.requestsPerSecond = value
      case .errors: load.errorsPerSecond = value
      }
      loads[address] = load
    }
  }

  private struct Answer: Decodable {
    struct Contents: Decodable {
      var resultType: String
      var result: [Series]?

      init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        resultType = try fields.decode(String.self, forKey: .resultType)
        result = resultType == "vector" ? try fields.decode([Series].self, forKey: .result) : nil
      }

      private enum CodingKeys: CodingKey { case resultType, result }
    }

    struct Series: Decodable {
      var metric: [String: String]
      var value: Sample
    }

    /// A time and a value, which is text.
    struct Sample: Decodable {
      var text: String

      init(from decoder: any Decoder) throws {
        var fields = try decoder.unkeyedContainer()
        _ = try fields.decode(Double.self)
        text = try fields.decode(String.self)
      }
    }

    var status: String
    var error: String?
    var data: Contents?
  }
}
