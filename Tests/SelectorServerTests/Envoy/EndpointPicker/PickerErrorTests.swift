import Daemon
import Foundation
import Logging
import Overflow
import PythonTestSupport
import Selection
import ServiceLifecycle
import Testing

@testable import SelectorServer

/// Against grpcio, which shares no code with the picker.
@Suite(
  "What a picker refuses", .enabled(if: Python.isAvailable, "needs python3"), .serialized, .timeLimit(.minutes(3)))
struct PickerErrorTests {
  private struct Source: HealthSource {
    var isReady: Bool
    func report() -> HealthReport { HealthReport(name: "replicas", isReady: isReady, fault: nil) }
  }

  /// How calls of some kinds ended at a picker.
  private static func statuses(
    _ cases: [String], isReady: Bool = true, access: AccessPolicy = .open, limits: PickerLimits = PickerLimits(),
    dispatcher: Dispatcher = Exchanges.dispatcher()
  ) async throws -> [String: String] {
    let (ports, port) = AsyncStream<Int>.makeStream()
    let picker = PickerServer(
      dispatcher, addresses: [.host("127.0.0.1", port: 0)], access: access, health: [Source(isReady: isReady)],
      limits: limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      onListening: { addresses in
        if case .host(_, let number)? = addresses.first { port.yield(number) }
      })
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await picker.run() }
      defer { group.cancelAll() }
      let number = try #require(await ports.first { _ in true })
      let result = try await Python.run(
        "Tests/SelectorServerTests/Envoy/EndpointPicker/peer.py", ["127.0.0.1:\(number)"] + cases)
      try #require(result.status == 0, "\(result.errors)")
      return try JSONDecoder().decode([String: String].self, from: Data(result.output.utf8))
    }
  }

  @Test("reaches a client of another make with its own status, also after answers, and while the client still sends")
  func statuses() async throws {
    let dispatcher = Exchanges.dispatcher()
    let found = try await Self.statuses(
      ["unknown service", "unknown method", "nonsense", "nonsense later", "compressed", "too long", "head too long"],
      isReady: false, dispatcher: dispatcher)
    #expect(
      found == [
        "unknown service": "UNAVAILABLE after 0", "unknown method": "UNIMPLEMENTED after 0",
        "nonsense": "INVALID_ARGUMENT after 0", "nonsense later": "INVALID_ARGUMENT after 1",
        "compressed": "UNIMPLEMENTED after 0", "too long": "RESOURCE_EXHAUSTED after 0",
        "head too long": "RESOURCE_EXHAUSTED after 0",
      ])
    #expect(dispatcher.inFlight == 0)
  }

  @Test("is said to be permission that is missing, or streams that are too many")
  func refusals() async throws {
    let denied = try await Self.statuses(["process"], access: AccessPolicy(rules: [try AccessRule("pick=pod:none/*")]))
    #expect(denied == ["process": "PERMISSION_DENIED after 0"])
    let limits = PickerLimits(streams: Budget("streams", total: 2, perPeer: 2))
    #expect(try await Self.statuses(["too many"], limits: limits) == ["too many": "UNAVAILABLE after 0"])
  }
}
