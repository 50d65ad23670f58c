import Connections
import ControlPlaneTestSupport
import Foundation
import Testing

@Suite(
  "An unmodified Envoy on an edge that is full", .enabled(if: EnvoyProcess.isAvailable), .timeLimit(.minutes(2)),
  .serialized)
struct EnvoyOverflowTests {
  private static func policy(neighbour port: Int) -> String {
    """
    apiVersion: tonari.dev/v1alpha1
    kind: OverflowPolicy
    metadata: {name: cart, namespace: shop}
    spec:
      service: cart
      mode: perRequest
      capacity: {perMinute: 60}
      neighbours:
      - {name: edge-b, host: "127.0.0.1:\(port)", cost: 4, capacity: {perMinute: 60000}}
    """
  }

  /// The manifest with a listener that only neighbours reach.
  private static func trusting(_ manifest: String) -> String {
    let service = "- {key: x-tonari-service, value: shop/cart}"
    let trust = "- {key: x-tonari-trust-hops, value: \"true\"}"
    return manifest.replacing(service, with: "\(service)\n                          \(trust)")
      .replacing("mutations: [{remove: x-tonari-hops}]", with: "mutations: [{remove: x-other}]")
  }

  @Test(
    "Hops that a client writes count for nothing: by Envoy's configuration, and by the picker alone",
    arguments: [true, false])
  func forged(isStrippedAtEdge: Bool) async throws {
    try await EchoServer.run { port in
      try await SidecarBed.run(
        replicas: ["mean=1ms"], files: ["policies.yaml": Self.policy(neighbour: port)],
        options: ["--overflow", "policies.yaml", "--cluster-name", "edge-a"],
        { manifest in
          isStrippedAtEdge
            ? manifest
            : manifest.replacing("mutations: [{remove: x-tonari-hops}]", with: "mutations: [{remove: x-other}]")
        }
      ) { _, bed in
        try await eventually("Envoy knows the other cluster") {
          await bed.envoy.admin("/clusters")?.contains("shop/cart::127.0.0.1:\(port)::") == true
        }
        var answers: [String: Int] = [:]
        for _ in 0..<60 {
          let answer = try await Self.ask(bed, hops: 3)
          #expect(answer.status == 200)
          answers[answer.text, default: 0] += 1
        }
        #expect(answers["hops 1"] ?? 0 >= 40, "\(answers)")
        #expect(await bed.metric("tonari_selector_overflow_received_total") == 0)
      }
    }
  }

  /// Sends a request through Envoy; answers its status, what it says, and after how many seconds to try again.
  private static func ask(_ bed: SidecarBed, hops: Int? = nil) async throws -> (
    status: Int, text: String, retryAfter: String?
  ) {
    var request = OutgoingRequest(url: "http://127.0.0.1:\(bed.envoy.port)/")
    if let hops { request.headers.append(.init("x-tonari-hops", "\(hops)")) }
    request.timeout = .seconds(20)
    let response = try await HTTPTransport.shared.send(request)
    let text = String(decoding: try await response.body.collect(upTo: 1 << 20), as: UTF8.self)
    return (response.status, text, response.head["retry-after"])
  }

  @Test("What is too many goes to the next cluster, marked, and comes back to no cluster that is full")
  func overflows() async throws {
    // The server of the other cluster says how often the request was sent on.
    try await EchoServer.run { port in
      try await SidecarBed.run(
        replicas: ["mean=1ms"], files: ["policies.yaml": Self.policy(neighbour: port)],
        options: ["--overflow", "policies.yaml", "--cluster-name", "edge-a"], Self.trusting
      ) { _, bed in
        try await eventually("Envoy knows the other cluster") {
          await bed.envoy.admin("/clusters")?.contains("shop/cart::127.0.0.1:\(port)::") == true
        }
        var texts: [String] = []
        for _ in 0..<30 {
          let answer = try await Self.ask(bed)
          #expect(answer.status == 200)
          texts.append(answer.text)
        }
        let sent = texts.count { $0 == "hops 1" }
        #expect(sent >= 20, "\(texts)")
        let stayed = try await bed.replicas.change(0).requests
        #expect(stayed >= 1 && stayed == 30 - sent)
        // One that another cluster sent is not sent on.
        let refused = try await Self.ask(bed, hops: 1)
        #expect(refused.status == 503 && Int(refused.retryAfter ?? "") ?? 0 >= 1)
        #expect(await bed.metric("tonari_selector_overflow_arrivals_total") == 31)
        #expect(await bed.metric("tonari_selector_overflow_sent_total", #"neighbour="edge-b""#) == Double(sent))
        #expect(await bed.metric("tonari_selector_overflow_shed_total") == 1)
      }
    }
  }
}
