import ControlPlaneTestSupport
import Foundation

/// Requests at a rate that changes and does not depend on their answers: `benchmarks/Envoy/load.c`.
struct OpenLoad {
  /// What became of them.
  struct Outcome: Decodable {
    var requests: Int
    var ok: Int
    /// The median latency of those that were answered, in milliseconds.
    var p50: Double

    /// The share that was not answered well.
    var errorShare: Double { requests == 0 ? 0 : Double(requests - ok) / Double(requests) }
  }

  private let server: ControlPlane.Server
  private let log: URL

  /// Starts to send.
  ///
  /// - Parameters:
  ///   - ramp: requests per second by time in seconds, with straight lines between.
  ///   - port: where to, on loopback.
  static func start(_ ramp: [(at: Double, rate: Double)], to port: UInt16, in folder: URL) throws -> OpenLoad {
    let log = folder.appending(path: "load-\(UUID().uuidString).json")
    let points = ramp.map { "\($0.at):\($0.rate)" }.joined(separator: ",")
    let server = try ControlPlane.Server(
      BenchmarkProgram.built("load"),
      ["--ramp", points, "--seconds", "\(ramp.last?.at ?? 0)", "--warmup", "0", "--timeout", "1s", "\(port)"], log: log)
    return OpenLoad(server: server, log: log)
  }

  /// Waits until all has been sent and answered or given up.
  func outcome() async throws -> Outcome {
    try await eventually("the load ends", within: .seconds(90)) { !server.isRunning }
    guard server.exitStatus == 0 else { throw TestFailure("load: \(server.lastWords)") }
    return try JSONDecoder().decode(Outcome.self, from: Data(contentsOf: log))
  }
}
