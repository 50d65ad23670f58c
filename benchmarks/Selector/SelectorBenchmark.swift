import Daemon
import Glibc
import Selection
import SelectorServer

/// A framed selector with made-up replicas, for `framed.py`, until it is killed.
///
/// `selector-benchmark ADDRESS REPLICAS POLICY` says `listening` once it can be asked for picks of `default/checkout`.
@main
struct SelectorBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let count = Int(arguments[2]), let policy = PolicyName(rawValue: arguments[3]) else {
      print("usage: selector-benchmark ADDRESS REPLICAS POLICY")
      return
    }
    let dispatcher = Dispatcher(DispatcherOptions(policy: policy, seed: 1))
    let replicas = (0..<count).map { number in
      ServiceReplica(
        address: "10.0.\(number / 250).\(number % 250 + 1):8080", node: "node-\(number % 20)",
        zone: "zone-\(number % 4)", cluster: "cluster")
    }
    dispatcher.set(replicas, of: "default/checkout", from: .file, at: .now)
    let server = try FramedServer(
      dispatcher, addresses: [FramedAddress(arguments[1])], options: FramedOptions(threads: 1)
    ) { _ in
      print("listening")
      fflush(nil)
    }
    try await server.run()
  }
}
