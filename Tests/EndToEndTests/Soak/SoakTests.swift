import BrokerTestSupport
import Connections
import ControlPlaneTestSupport
import EnvoyProtocol
import Fleet
import Formats
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Kubernetes
import Planner
import SelectorProtocol
import SwiftProtobuf
import Synchronization
import Testing
import TonariClient

/// Holds processes under mixed load for a time that `TONARI_SOAK_SECONDS` says, and measures what they use. It is long, so
/// that it is no part of the usual tests: `make soak`.
@Suite("A long time under mixed load", .enabled(if: soakSeconds > 0, "TONARI_SOAK_SECONDS says for how long"))
struct SoakTests {
  /// What a process may have grown from its second quarter to its last.
  private static let allowedGrowth = 8 << 20
  private static let allowedShare = 0.1

  @Test("takes no more memory, descriptors and threads than at its beginning, and fails nobody")
  func soak() async throws {
    let broker = try await RealBroker()
    let bed = try await SoakBed(broker)
    let load = SoakLoad(bed, until: .now + .seconds(soakSeconds))
    var histories: [String: UseHistory] = [:]
    try await withThrowingTaskGroup(of: Void.self) { group in
      load.add(to: &group)
      while ContinuousClock.now < load.end {
        try await Task.sleep(for: .seconds(min(1, soakSeconds / 60)))
        for (name, process) in bed.processes {
          guard let use = ProcessUse(of: process.identifier) else {
            throw TestFailure("\(name) has ended: \(process.messagesSoFar.suffix(2000))")
          }
          histories[name, default: UseHistory()].add(use)
        }
      }
      // What nobody can answer in time is counted there, and does not end the others.
      try await group.waitForAll()
    }
    let counts = load.counted
    print("Soak of \(Int(soakSeconds)) s: \(counts)")
    for (name, history) in histories.sorted(by: { $0.key < $1.key }) {
      print("  \(name): \(history.description)")
      let allowed = max(Self.allowedGrowth, Int(Double(history.memory) * Self.allowedShare))
      #expect(history.growth <= allowed, "\(name): \(history.description)")
      #expect(history.descriptorGrowth <= 8, "\(name): \(history.description)")
      #expect(history.threadGrowth <= 4, "\(name): \(history.description)")
    }
    for work in SoakLoad.Work.allCases {
      let (done, failed) = (counts.done[work, default: 0], counts.failed[work, default: 0])
      #expect(done > 0, "\(work) was never done: \(counts.fault[work] ?? "")")
      #expect(failed * 1000 <= done, "\(work): \(failed) of \(done) failed: \(counts.fault[work] ?? "")")
    }
    for (name, process) in bed.processes {
      process.send(SIGTERM)
      let result = await process.result()
      #expect(!result.isKilled && result.status == 0, "\(name): \(result.messages.suffix(2000))")
    }
  }
}

/// How long it takes, in seconds; 0 where it is not asked for.
private let soakSeconds = ProcessInfo.processInfo.environment["TONARI_SOAK_SECONDS"].flatMap { Double($0) } ?? 0

/// A control plane, and a selector, an extender and an overflow controller that follow it.
///
/// Unchecked, because the compiler does not know that broker and processes are each asked by one task at a time.
private final class SoakBed: @unchecked Sendable {
  let plane: ControlPlane
  let client: APIClient
  let folder: URL
  let broker: RealBroker
  let extenderPort: UInt16
  let selectorPort: UInt16
  let processes: [String: TonariProcess]

  init(_ broker: RealBroker) async throws {
    self.broker = broker
    let plane = try await ControlPlane()
    let client = APIClient(plane.configuration(), logger: .silent)
    (self.plane, self.client) = (plane, client)
    for name in ["tonari", "shop"] {
      _ = try await client.create(
        .namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]] as JSONValue)
    }
    for file in ["base/placementplans.yaml", "base/rbac.yaml", "overflow/overflowpolicies.yaml"] {
      try await ControlPlane.create(manifest: file, in: "tonari", with: client)
    }
    try await eventually("OverflowPolicies are there") { (try? await client.list(.overflowPolicies)) != nil }
    let folder = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    self.folder = folder
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    try Data("services: [{name: shop/cart, replicas: [{address: '10.0.0.1:80'}, {address: '10.0.0.2:80'}]}]".utf8)
      .write(to: folder.appending(path: "replicas.yaml"))
    extenderPort = try LoopbackListener.freePort()
    selectorPort = try LoopbackListener.freePort()
    try Self.plan(0, in: folder)
    let programs: [String: [String]] = [
      "selector": [
        "selector", "--kubeconfig", plane.kubeconfig, "--cluster-name", "a", "--overflow-policies", "--framed",
        "unix:framed.sock", "--grpc", "unix:grpc.sock", "--picker", "unix:picker.sock", "--http",
        "127.0.0.1:\(selectorPort)", "--replicas", "replicas.yaml", "--mqtt", "127.0.0.1:\(broker.port)",
        "--pick-lifetime", "5s", "--allow-host", "*=10.9.9.9:443",
      ],
      "extender": [
        "extender", "--kubeconfig", plane.kubeconfig, "--plan", "plan.yaml", "--listen", "127.0.0.1:\(extenderPort)",
      ],
      "overflow": [
        "overflow", "run", "--kubeconfig", plane.kubeconfig, "--cluster", "a", "--interval", "200ms", "--lease",
        "tonari/overflow", "--listen", "127.0.0.1:0", "--selector", "http://127.0.0.1:\(selectorPort)/metrics",
        "--allow-host", "*=10.9.9.9:443",
      ],
    ]
    processes = try programs.mapValues { try TonariProcess($0 + ["--log-level", "error"], in: folder) }
    for path in ["framed.sock", "grpc.sock", "picker.sock"] {
      try await eventually("\(path) is there: \(processes["selector"]?.messagesSoFar ?? "")") {
        FileManager.default.fileExists(atPath: folder.appending(path: path).path)
      }
    }
  }

  deinit {
    for process in processes.values { process.send(SIGKILL) }
    try? FileManager.default.removeItem(at: folder)
  }

  func path(_ name: String) -> String { folder.appending(path: name).path }

  /// Writes the extender's plan.
  static func plan(_ round: Int, in folder: URL) throws {
    let plan = PlacementPlan(
      name: "shop",
      placements: [
        .init(
          workload: .init(kind: "Deployment", namespace: "shop", name: "cart"),
          nodes: [.init(name: "node-\(round % 2)", replicas: 1 + round % 3)])
      ], status: nil)
    try Data(plan.yaml().utf8).write(to: folder.appending(path: "plan.yaml"), options: .atomic)
  }
}

/// What is asked and changed all the while.
private final class SoakLoad: Sendable {
  enum Work: CaseIterable {
    case framedPicks, grpcPicks, exchanges, watches, registrations, slices, policies, loads, plans, questions, scrapes
  }

  struct Counts: CustomStringConvertible {
    var done: [Work: Int] = [:]
    var failed: [Work: Int] = [:]
    var fault: [Work: String] = [:]

    var description: String {
      Work.allCases.map { "\(done[$0, default: 0]) \($0) (\(failed[$0, default: 0]) failed)" }.joined(separator: ", ")
    }
  }

  private let counts = Mutex(Counts())
  var counted: Counts { counts.withLock { $0 } }
  let end: ContinuousClock.Instant
  private let bed: SoakBed

  init(_ bed: SoakBed, until end: ContinuousClock.Instant) {
    (self.bed, self.end) = (bed, end)
  }

  func add(to group: inout ThrowingTaskGroup<Void, any Error>) {
    for _ in 0..<2 { group.addTask { try await self.askFramed() } }
    group.addTask { try await self.askGRPC() }
    group.addTask { try await self.askPicker() }
    group.addTask { try await self.watch() }
    group.addTask { await self.register() }
    group.addTask { await self.changeSlices() }
    group.addTask { await self.changePolicies() }
    group.addTask { await self.publishLoads() }
    group.addTask { await self.changePlan() }
    group.addTask { await self.askExtender() }
    group.addTask { await self.scrape() }
  }

  /// Does some work again and again, with a pause after each time, and counts how it goes.
  private func repeating(_ work: Work, every pause: Duration, _ body: (_ round: Int) async throws -> Void) async {
    var round = 0
    while ContinuousClock.now < end, !Task.isCancelled {
      do {
        try await body(round)
        counts.withLock { $0.done[work, default: 0] += 1 }
      } catch {
        counts.withLock {
          $0.failed[work, default: 0] += 1
          $0.fault[work] = "\(error)"
        }
      }
      round += 1
      try? await Task.sleep(for: pause)
    }
  }

  // MARK: - Selector

  private func askFramed() async throws {
    var round = 0
    while ContinuousClock.now < end {
      // Connections come and go.
      let address = SelectorAddress.unix(path: bed.path("framed.sock"))
      let client = SelectorClient(SelectorClient.Configuration(addresses: [address]))
      let running = Task { try await client.run() }
      let until = min(end, .now + .seconds(2))
      while ContinuousClock.now < until {
        await once(.framedPicks) {
          if round.isMultiple(of: 50) {
            // Now and then somebody forgets a pick.
            _ = try await client.pick("shop/cart")
          } else {
            try await client.withReplica(of: "shop/cart") { _ in }
          }
        }
        round += 1
        try? await Task.sleep(for: .milliseconds(2))
      }
      running.cancel()
      _ = await running.result
    }
  }

  private func once(_ work: Work, _ body: () async throws -> Void) async {
    do {
      try await body()
      counts.withLock { $0.done[work, default: 0] += 1 }
    } catch {
      counts.withLock {
        $0.failed[work, default: 0] += 1
        $0.fault[work] = "\(error)"
      }
    }
  }

  private typealias Selector = Tonari_Selector_V1_ReplicaSelector.Client<HTTP2ClientTransport.Posix>

  private func withGRPC(
    _ socket: String, _ body: @Sendable (GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Void
  ) async throws {
    try await withGRPCClient(
      transport: .http2NIOPosix(
        target: .unixDomainSocket(path: bed.path(socket)), transportSecurity: .plaintext,
        config: .defaults { $0.http2.authority = "selector" })
    ) { try await body($0) }
  }

  private func askGRPC() async throws {
    while ContinuousClock.now < end {
      try await withGRPC("grpc.sock") { client in
        let selector = Selector(wrapping: client)
        let until = min(self.end, .now + .seconds(3))
        while ContinuousClock.now < until {
          await self.once(.grpcPicks) {
            let picked = try await selector.pick(.with { $0.service = "shop/cart" })
            _ = try await selector.complete(
              .with {
                $0.pickID = picked.pickID
                $0.latencyUs = 500
              })
          }
          try await Task.sleep(for: .milliseconds(5))
        }
      }
    }
  }

  private func askPicker() async throws {
    while ContinuousClock.now < end {
      try await withGRPC("picker.sock") { client in
        let picker = Envoy_Service_ExtProc_V3_ExternalProcessor.Client(wrapping: client)
        let until = min(self.end, .now + .seconds(3))
        while ContinuousClock.now < until {
          await self.once(.exchanges) {
            let answers = try await picker.process(
              metadata: ["x-tonari-service": "shop/cart"],
              requestProducer: { writer in
                try await writer.write(
                  .with { message in
                    message.requestHeaders.headers.headers = [
                      .with {
                        $0.key = ":authority"
                        $0.rawValue = Data("cart.shop".utf8)
                      }
                    ]
                  })
                try await writer.write(
                  .with { message in
                    message.responseHeaders.headers.headers = [
                      .with {
                        $0.key = ":status"
                        $0.rawValue = Data("200".utf8)
                      }
                    ]
                  })
              },
              onResponse: { response in try await response.messages.reduce(into: 0) { count, _ in count += 1 } })
            guard answers == 2 else { throw TestFailure("\(answers) answers") }
          }
          try await Task.sleep(for: .milliseconds(5))
        }
      }
    }
  }

  private func watch() async throws {
    while ContinuousClock.now < end {
      try? await withGRPC("grpc.sock") { client in
        await withTaskGroup(of: Void.self) { group in
          for _ in 0..<10 {
            group.addTask {
              await self.once(.watches) {
                try await Selector(wrapping: client).watch(.with { $0.intervalMs = 100 }) { response in
                  var told = 0
                  for try await _ in response.messages {
                    told += 1
                    if told == 10 { return }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  private func register() async {
    try? await withGRPC("grpc.sock") { client in
      let selector = Selector(wrapping: client)
      await self.repeating(.registrations, every: .milliseconds(50)) { round in
        // Names and labels that come, and go by themselves.
        _ = try await selector.register(
          .with {
            $0.service = "shop/churn-\(round % 500)"
            $0.lifetimeMs = 2000
            $0.replicas = [
              .with {
                $0.address = "10.1.\(round / 250 % 250).\(round % 250):80"
                $0.labels = ["pod-template-hash=\(round)", "version=\(round % 3)"]
              }
            ]
          })
      }
    }
  }

  // MARK: - The cluster

  private func changeSlices() async {
    let resource = APIResource(group: "discovery.k8s.io", version: "v1beta1", plural: "endpointslices")
    await repeating(.slices, every: .milliseconds(100)) { round in
      let name = "slice-\(round % 20)"
      if round % 40 >= 20 {
        try await self.bed.client.delete(resource, name, in: "shop")
        return
      }
      let endpoints = (0..<(1 + round % 30)).map { k -> JSONValue in
        ["addresses": [.string("10.2.\(round % 20).\(k)")], "conditions": ["ready": .bool((round + k) % 5 > 0)]]
      }
      let slice: JSONValue = [
        "apiVersion": "discovery.k8s.io/v1beta1", "kind": "EndpointSlice",
        "metadata": [
          "name": .string(name), "namespace": "shop",
          "labels": ["kubernetes.io/service-name": .string("service-\(round % 7)")],
        ],
        "addressType": "IPv4", "endpoints": .array(endpoints), "ports": [["name": "http", "port": 80]],
      ]
      _ = try await self.bed.client.create(resource, slice, in: "shop")
    }
  }

  private func changePolicies() async {
    await repeating(.policies, every: .milliseconds(300)) { round in
      let policy: JSONValue = [
        "apiVersion": "tonari.dev/v1alpha1", "kind": "OverflowPolicy",
        "metadata": ["name": .string("policy-\(round % 5)"), "namespace": "shop"],
        "spec": [
          "service": .string("service-\(round % 5)"), "mode": "perRequest",
          "capacity": ["perMinute": .integer(Int64(60 + round % 1000))],
          "neighbours": [["name": "b", "host": "10.9.9.9:443"]],
        ],
      ]
      _ = try await self.bed.client.patch(
        .overflowPolicies, "policy-\(round % 5)", .apply(policy, force: true), in: "shop")
    }
  }

  private func publishLoads() async {
    await repeating(.loads, every: .milliseconds(200)) { round in
      try await self.bed.broker.publish(
        "tonari/load/a/10.0.0.\(1 + round % 2):80", #"{"inFlight": \#(round % 9), "cpuUtilization": 0.5}"#)
    }
  }

  // MARK: - The extender

  private func changePlan() async {
    await repeating(.plans, every: .milliseconds(500)) { round in
      if round % 10 == 9 {
        try Data("placements: [what".utf8).write(to: self.bed.folder.appending(path: "plan.yaml"), options: .atomic)
      } else {
        try SoakBed.plan(round, in: self.bed.folder)
      }
    }
  }

  private func askExtender() async {
    let transport = HTTPTransport()
    let nodes = (0..<500).map { "\"node-\($0)\"" }.joined(separator: ",")
    await repeating(.questions, every: .milliseconds(20)) { round in
      let body = """
        {"Pod": {"metadata": {"name": "p-\(round)", "namespace": "shop", "annotations": {"tonari.dev/workload": "cart"}}},
         "NodeNames": [\(nodes)]}
        """
      try await self.ask("POST", "http://127.0.0.1:\(self.bed.extenderPort)/scheduler/prioritize", body, transport)
    }
  }

  private func scrape() async {
    let transport = HTTPTransport()
    await repeating(.scrapes, every: .milliseconds(500)) { _ in
      for port in [self.bed.selectorPort, self.bed.extenderPort] {
        try await self.ask("GET", "http://127.0.0.1:\(port)/metrics", "", transport)
      }
    }
  }

  private func ask(_ method: String, _ url: String, _ body: String, _ transport: HTTPTransport) async throws {
    let response = try await transport.send(
      OutgoingRequest(method: method, url: url, body: body.isEmpty ? [] : Array(body.utf8)))
    let answer = try await response.body.collect(upTo: 64 << 20)
    guard response.status == 200 else {
      throw TestFailure("\(url): \(response.status) \(String(decoding: answer.prefix(200), as: UTF8.self))")
    }
  }
}
