import Daemon
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCProtobuf
import Selection
import SelectorProtocol
import SelectorServer

/// A selector that serves gRPC with made-up replicas, or the same method with nothing in it, for `unary.py`, until it is
/// killed.
///
/// `selector-grpc-benchmark tonari|empty REPLICAS` says its port once it can be asked for picks of `default/checkout`.
@main
enum SelectorGRPCBenchmark {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let count = Int(arguments[2]) else {
      print("usage: selector-grpc-benchmark tonari|empty REPLICAS")
      return
    }
    arguments[1] == "empty" ? try await empty() : try await selector(count)
  }

  private static func selector(_ count: Int) async throws {
    // Nobody completes what is picked here.
    let dispatcher = Dispatcher(DispatcherOptions(pickLifetime: .milliseconds(100), seed: 1))
    let replicas = (0..<count).map { number in
      ServiceReplica(
        address: "10.0.\(number / 250).\(number % 250 + 1):8080", node: "node-\(number % 20)",
        zone: "zone-\(number % 4)", cluster: "cluster")
    }
    dispatcher.set(replicas, of: "default/checkout", from: .file, at: .now)
    let server = SelectorGRPCServer(
      .init(.host("127.0.0.1", port: 0)), SelectorMessages(dispatcher), name: "benchmark",
      onListening: { say($0 ?? 0) })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      while true {
        try await Task.sleep(for: .milliseconds(20))
        dispatcher.expire(at: .now)
      }
    }
  }

  private static func empty() async throws {
    let transport = HTTP2ServerTransport.Posix(
      address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext,
      // As the selector: what a pick costs is to be seen, not what a setting of the transport does.
      config: .defaults {
        $0.connection.flushCoalescing = .init(maxFlushDelay: .microseconds(10), maxBytes: 64 << 10)
      })
    let server = GRPCServer(transport: transport, services: [EmptyService()])
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.serve() }
      say(try await transport.listeningAddress.ipv4?.port ?? 0)
      try await group.next()
    }
  }

  private static func say(_ port: Int) {
    print(port)
    fflush(nil)
  }
}

/// Answers with an address, whatever is asked, as the least that an answer to a pick can be.
private struct EmptyService: RegistrableRPCService {
  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: Tonari_Selector_V1_ReplicaSelector.Method.Pick.descriptor,
      deserializer: ProtobufDeserializer<Tonari_Selector_V1_PickRequest>(),
      serializer: ProtobufSerializer<Tonari_Selector_V1_PickResponse>()
    ) { request, _ in
      _ = try await ServerRequest(stream: request)
      return StreamingServerResponse(single: ServerResponse(message: Tonari_Selector_V1_PickResponse()))
    }
  }
}
