import Extender
import Foundation
import NIOCore

/// How long the extender takes for one pod, filter and prioritize, beside the bare cost of the same JSON in the same
/// process, on one thread.
///
///     TONARI_BENCHMARKS=1 swift run -c release extender-benchmark [seconds]     # for each line; 3 by default
@main
enum ExtenderBenchmark {
  static func main() throws {
    let limit = Duration.seconds(CommandLine.arguments.dropFirst().first.flatMap(Double.init) ?? 3)
    let samples = Samples(nodes: 5000, workloads: 1000)
    let webhook = SchedulerWebhook(samples.state(isEnforcing: false))
    let enforcing = SchedulerWebhook(samples.state(isEnforcing: true))
    let peer = Peer()

    let named = (0..<64).map { samples.named($0 * 15) }
    heading("names of 5,000 nodes, 1,000 workloads in the plan", bytes: named[0].readableBytes)
    try line("tonari", named[0], for: limit) { try pair(webhook, named[$0 % named.count]) }
    try line("tonari --enforce", named[0], for: limit) { try pair(enforcing, named[$0 % named.count]) }
    try line("JSONDecoder, JSONEncoder", named[0], for: limit) { round in
      let body = named[round % named.count]
      return try peer.filter(body) + peer.prioritize(body)
    }
    try line("the scanner alone", named[0], for: limit) { round in
      let body = named[round % named.count]
      return try Peer.scan(body) + Peer.scan(body)
    }

    let whole = [samples.whole(0), samples.whole(15)]
    heading("5,000 whole nodes", bytes: whole[0].readableBytes)
    try line("tonari", whole[0], for: limit) { try pair(webhook, whole[$0 % whole.count]) }
    try line("tonari --enforce", whole[0], for: limit) { try pair(enforcing, whole[$0 % whole.count]) }
    try line("JSONDecoder, JSONEncoder", whole[0], for: .zero) { round in
      let body = whole[round % whole.count]
      return try peer.filter(body) + peer.prioritize(body)
    }
    try line("the scanner alone", whole[0], for: limit) { round in
      let body = whole[round % whole.count]
      return try Peer.scan(body) + Peer.scan(body)
    }
  }

  private static func pair(_ webhook: SchedulerWebhook, _ body: ByteBuffer) throws -> Int {
    try webhook.filter(body, at: .now).size + webhook.prioritize(body, at: .now).size
  }

  private static func heading(_ title: String, bytes: Int) {
    print("\n\(title): filter and prioritize, a request has \(bytes) bytes")
    print(row("", ["p50 ms", "p99 ms", "max ms", "pods/s", "MB/s"]))
  }

  private static func line(
    _ name: String, _ body: ByteBuffer, for limit: Duration, _ work: (Int) throws -> Int
  ) rethrows {
    let measured = try Measurement(for: limit, work)
    // A pod is asked about twice, with the same bytes.
    let throughput = measured.rate * Double(2 * body.readableBytes) / 1e6
    print(
      row(
        name,
        [0.5, 0.99, 1].map { String(format: "%.3f", measured.seconds(at: $0) * 1000) } + [
          String(format: "%.0f", measured.rate), String(format: "%.0f", throughput),
        ]))
  }

  private static func row(_ name: String, _ cells: [String]) -> String {
    func padded(_ text: String) -> String { String(repeating: " ", count: max(0, 10 - text.count)) + text }
    return "  " + name + String(repeating: " ", count: max(0, 26 - name.count)) + cells.map(padded).joined()
  }
}

extension Answer {
  fileprivate var size: Int { parts.reduce(0) { $0 + $1.readableBytes } }
}
