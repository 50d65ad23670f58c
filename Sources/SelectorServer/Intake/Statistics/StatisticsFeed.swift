import Connections
package import Daemon
import Foundation
import Kubernetes
package import Logging
import Model
package import Selection
import ServiceLifecycle
import Synchronization

/// Reads the load of replicas from Envoys and from Prometheus at an interval.
///
/// What cannot be read is left out, logged and told in `/readyz`; what was heard before fades by itself.
package final class StatisticsFeed: ServiceLifecycle.Service, HealthSource {
  private let envoys: [String]
  private let prometheus: String?
  private let queries: LoadQueries
  private let interval: Duration
  private let dispatcher: Dispatcher
  private let logger: Logger
  private let fault = Mutex<String?>(nil)

  /// Makes a feed.
  ///
  /// - Parameters:
  ///   - envoys: the addresses of Envoys' admin interfaces, such as `http://127.0.0.1:9901`.
  ///   - prometheus: the address of Prometheus, such as `http://prometheus:9090`.
  ///   - queries: what Prometheus is asked for.
  ///   - interval: the time between two looks; a look that takes longer is given up.
  ///
  /// Throws ``StatisticsError`` where an address is no HTTP URL.
  package init(
    envoys: [String], prometheus: String?, queries: LoadQueries, interval: Duration, _ dispatcher: Dispatcher,
    logger: Logger
  ) throws(StatisticsError) {
    func base(_ url: String) throws(StatisticsError) -> String {
      let components = URLComponents(string: url)
      guard components?.scheme == "http" || components?.scheme == "https", components?.host?.isEmpty == false,
        components?.query == nil
      else {
        throw StatisticsError(code: .badAddress, message: "'\(url)': expected a URL such as http://127.0.0.1:9901")
      }
      return url.hasSuffix("/") ? String(url.dropLast()) : url
    }
    var bases: [String] = []
    for envoy in envoys { bases.append(try base(envoy)) }
    self.envoys = bases
    self.prometheus = if let prometheus { try base(prometheus) } else { nil }
    self.queries = queries
    self.interval = interval
    self.dispatcher = dispatcher
    self.logger = logger
  }

  /// Never keeps a selector from being ready: it picks without.
  package func report() -> HealthReport {
    HealthReport(name: "statistics", isReady: true, fault: fault.withLock { $0 })
  }

  /// Looks at the interval until the service is to end.
  package func run() async throws {
    let rates = Mutex(HostRates())
    let transport = HTTPTransport()
    await repeating(every: interval) {
      let (loads, faults) = await self.look(transport, rates)
      let now = Moment.now
      for (address, load) in loads { self.dispatcher.report(load, of: address, at: now) }
      let fault = faults.sorted().first
      let isNew = self.fault.withLock { known in
        defer { known = fault }
        return (known == nil) != (fault == nil)
      }
      if isNew, let fault { self.logger.warning("Statistics cannot be read", metadata: ["error": "\(fault)"]) }
      if isNew, fault == nil { self.logger.notice("Statistics are read again") }
    }
  }

  private enum Reading: Sendable {
    case envoy(String, EnvoyHosts)
    case prometheus(LoadQueries.Figure, [String: Double])
    case fault(String)
  }

  /// Asks everybody at once.
  private func look(_ transport: HTTPTransport, _ rates: borrowing Mutex<HostRates>) async -> (
    [String: LoadReport], [String]
  ) {
    var hosts: [String: EnvoyHosts] = [:]
    var values: [(LoadQueries.Figure, [String: Double])] = []
    var faults: [String] = []
    await withTaskGroup(of: Reading.self) { group in
      for envoy in envoys {
        group.addTask {
          await self.reading("\(envoy)/clusters?format=json", transport) { body throws(StatisticsError) in
            .envoy(envoy, try EnvoyHosts(json: body, source: envoy))
          }
        }
      }
      if let prometheus {
        for (figure, query) in queries.queries {
          group.addTask {
            let encoded = query.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return await self.reading("\(prometheus)/api/v1/query?query=\(encoded)", transport) {
              body throws(StatisticsError) in
              .prometheus(figure, try self.queries.values(json: body, source: "\(prometheus): \(query)"))
            }
          }
        }
      }
      for await reading in group {
        switch reading {
        case .envoy(let envoy, let counts): hosts[envoy] = counts
        case .prometheus(let figure, let found): values.append((figure, found))
        case .fault(let fault): faults.append(fault)
        }
      }
    }
    var loads = rates.withLock { $0.loads(hosts, at: .now) }
    for (figure, found) in values { LoadQueries.add(found, figure, to: &loads) }
    return (loads, faults)
  }

  private func reading(
    _ url: String, _ transport: HTTPTransport, _ read: ([UInt8]) throws(StatisticsError) -> Reading
  ) async -> Reading {
    do {
      var request = OutgoingRequest(url: url, headers: [.init("Accept", "application/json")])
      request.timeout = max(interval, .seconds(1))
      let response = try await transport.send(request)
      let body = try await response.body.collect(upTo: 64 << 20)
      guard 200..<300 ~= response.status else {
        throw StatisticsError(code: .refused, message: "\(url): found status \(response.status), expected 200")
      }
      return try read(body)
    } catch {
      return .fault("\(error)")
    }
  }
}
