import Connections
import ControlPlaneTestSupport
import Foundation

/// The replicas of `benchmarks/Envoy/replica.c`: HTTP servers with a queue.
struct ToyReplicas {
  let server: ControlPlane.Server
  let ports: [UInt16]

  var addresses: [String] { ports.map { "127.0.0.1:\($0)" } }

  /// What a replica says of itself.
  struct Status: Decodable {
    var requests: Int
    var failures: Int
    var serving: Int
    var queued: Int
  }

  /// Starts replicas, each with settings as the program takes them.
  static func start(_ settings: [String], in folder: URL) async throws -> ToyReplicas {
    let program = try BenchmarkProgram.built("replica")
    let log = folder.appending(path: "replicas.log")
    let server = try ControlPlane.Server(program, settings.flatMap { ["--replica", $0] }, log: log)
    var ports: [UInt16] = []
    try await eventually("replicas listen") {
      let line = try String(contentsOf: log, encoding: .utf8)
      guard line.hasSuffix("\n") else { return false }
      ports = line.split(whereSeparator: \.isWhitespace).compactMap { UInt16($0) }
      return ports.count == settings.count
    }
    return ToyReplicas(server: server, ports: ports)
  }

  /// Changes the settings of a replica, and answers how it is.
  @discardableResult
  func change(_ index: Int, _ settings: String = "") async throws -> Status {
    let request = OutgoingRequest(url: "http://127.0.0.1:\(ports[index])/toy?\(settings)")
    let body = try await HTTPTransport().send(request).body.collect(upTo: 1 << 16)
    return try JSONDecoder().decode(Status.self, from: Data(body))
  }

  /// The file that tells a selector of them, as the service `shop/cart`.
  func write(to file: URL, without missing: Set<Int> = []) throws {
    let lines = addresses.enumerated().filter { !missing.contains($0.offset) }.map {
      "  - {address: \"\($0.element)\"}\n"
    }
    try Data("services:\n- name: shop/cart\n  replicas:\n\(lines.joined())".utf8).write(to: file)
  }
}
