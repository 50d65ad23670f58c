import Foundation

/// What an Envoy counts for each host that it sends requests to: the answer of its admin interface to
/// `/clusters?format=json`.
struct EnvoyHosts: Sendable {
  /// The counts of one host, over all of the Envoy's clusters.
  struct Counts: Hashable, Sendable {
    var active = 0.0
    var total = 0.0
    var errors = 0.0

    static func + (a: Counts, b: Counts) -> Counts {
      Counts(active: a.active + b.active, total: a.total + b.total, errors: a.errors + b.errors)
    }
  }

  /// By address, `host:port`.
  var counts: [String: Counts] = [:]

  /// Reads an answer.
  ///
  /// Throws ``StatisticsError``.
  init(json: [UInt8], source: String) throws(StatisticsError) {
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(json))
    } catch {
      throw StatisticsError(
        code: .invalidAnswer, message: "\(source): expected Envoy's clusters as JSON: \(error.localizedDescription)")
    }
    for cluster in document.cluster_statuses ?? [] {
      for host in cluster.host_statuses ?? [] {
        guard let socket = host.address?.socket_address, let port = socket.port_value else { continue }
        let address = socket.address.contains(":") ? "[\(socket.address)]:\(port)" : "\(socket.address):\(port)"
        var counts = Counts()
        for stat in host.stats ?? [] {
          guard let value = stat.value.flatMap(Double.init), value.isFinite, value >= 0 else { continue }
          switch stat.name {
          case "rq_active": counts.active = value
          case "rq_total": counts.total = value
          case "rq_error": counts.errors = value
          default: continue
          }
        }
        self.counts[address] = (self.counts[address] ?? Counts()) + counts
      }
    }
  }

  // As Envoy names them.
  // swift-format-ignore: AlwaysUseLowerCamelCase
  private struct Document: Decodable {
    struct Cluster: Decodable { var host_statuses: [Host]? }
    struct Host: Decodable {
      var address: Address?
      var stats: [Stat]?
    }
    struct Address: Decodable { var socket_address: Socket? }
    struct Socket: Decodable {
      var address: String
      var port_value: Int?
    }
    struct Stat: Decodable {
      var name: String?
      /// Numbers are text in protobuf's JSON; zero is left out.
      var value: String?
    }

    var cluster_statuses: [Cluster]?
  }
}
