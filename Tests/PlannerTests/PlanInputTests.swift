import Formats
import Foundation
import Kubernetes
import Model
import Placement
import Testing
import Traffic

@testable import Planner

@Suite("A cluster with its traffic")
struct PlanInputTests {
  static func cluster() throws -> ClusterProblem {
    ClusterProblem(
      try snapshot(
        node("n1"), node("n2"),
        workload("web", replicas: 2), workload("db"), workload("idle"),
        pod("web-1", on: "n1", owner: "ReplicaSet/web-6c5b", labels: "app: web, pod-template-hash: 6c5b"),
        pod("web-2", on: "n2", owner: "ReplicaSet/web-6c5b", labels: "app: web, pod-template-hash: 6c5b"),
        pod("db-1", on: "n2", owner: "ReplicaSet/db-6c5b", labels: "app: db, pod-template-hash: 6c5b")
      )
    )
  }

  static func traffic(_ edges: (String, String, Double)...) -> TrafficGraph {
    var graph = TrafficGraph()
    for (source, destination, bytes) in edges {
      let s = graph.index(of: TrafficEndpoint(namespace: nil, name: source))
      let d = graph.index(of: TrafficEndpoint(namespace: nil, name: destination))
      graph.add(source: s, destination: d, bytesPerSecond: bytes, requestsPerSecond: nil)
    }
    return graph
  }

  static func map(_ text: String) throws -> EndpointMap { try EndpointMap(Data(text.utf8), file: "map.yaml") }

  @Test("is a problem whose edges tie its workloads")
  func edges() throws {
    let input = try PlanInput(Self.cluster(), Self.traffic(("web", "db", 10), ("db", "web", 5)))
    #expect(input.problem.edges == [.init(u: 0, v: 1, traffic: 15)])
    #expect(input.problem.trafficUnit == .bytesPerSecond)
    #expect(input.references.map { "\($0.map { "\($0)" } ?? "none")" }.first == "Deployment shop/web")
    #expect(input.warnings == [])
  }

  @Test("has the edges of all its matrices, with 0 where one has not")
  func matrices() throws {
    let day = NamedTraffic(name: "day", weight: 3, graph: Self.traffic(("web", "db", 12), ("x.example", "web", 8)))
    let night = NamedTraffic(name: "night", graph: Self.traffic(("db", "web", 4), ("idle", "db", 20)))
    let input = try PlanInput(Self.cluster(), [day, night], .mean)
    #expect(
      input.problem.edges == [
        .init(u: 0, v: 1, traffic: 10, byMatrix: [12, 4]), .init(u: 2, v: 1, traffic: 5, byMatrix: [0, 20]),
      ])
    #expect(input.problem.matrices == [.init(name: "day", weight: 3), .init(name: "night")])
    #expect(input.traffic.total == 21)
    #expect(input.traffic.outside.map(\.traffic) == [6])
    let worst = try PlanInput(Self.cluster(), [day, night], .worst).problem
    #expect(abs(worst.edges.reduce(0) { $0 + $1.traffic } - 18) < 1e-9)
    // What runs now has no replica of idle: a fourth of what remains at night is there.
    let scored = try ScoredPlacement(running: PlanInput(Self.cluster(), [day, night], .mean))
    #expect(scored.evaluation.matrices.map(\.totalTraffic) == [12, 4])
    #expect(scored.evaluation.totalTraffic == 10)
    let traffic = try #require(scored.document(name: "now").status?.traffic)
    #expect(traffic.combined == "mean")
    #expect(traffic.matrices?.map(\.name) == ["day", "night"])
    #expect(traffic.matrices?.map(\.weight) == [3, 1])
    #expect(traffic.matrices?.map(\.crossNode) == [6, 2])
  }

  @Test("counts once what several tools measured of one traffic, whatever each calls the ends, and adds what is stated")
  func origins() throws {
    func graph(
      _ source: (String?, String), _ destination: (String?, String), bytes: Double? = nil, requests: Double? = nil,
      isOfConnections: Bool = false
    ) -> TrafficGraph {
      var graph = TrafficGraph()
      let s = graph.index(of: TrafficEndpoint(namespace: source.0, name: source.1))
      let d = graph.index(of: TrafficEndpoint(namespace: destination.0, name: destination.1))
      graph.add(
        source: s, destination: d, bytesPerSecond: bytes, requestsPerSecond: requests, isOfConnections: isOfConnections)
      return graph
    }
    func plan(_ graphs: TrafficGraph...) throws -> PlanInput {
      var traffic = ObservedTraffic()
      for (g, graph) in graphs.enumerated() { traffic.add(ObservedTraffic(graph, source: "dump \(g)")) }
      return try PlanInput(Self.cluster(), traffic)
    }
    // A mesh and a tracer, which knows no namespaces; the higher rate.
    let istio = graph(("shop", "web"), ("shop", "db"), requests: 10)
    let jaeger = graph((nil, "web"), (nil, "db"), requests: 12)
    for input in try [plan(istio, jaeger), plan(jaeger, istio)] {
      #expect(input.problem.edges.map(\.traffic) == [12])
      #expect(input.traffic.total == 12)
      #expect(
        Set(input.traffic.named.map { "\($0.name) \($0.traffic)" }) == [
          "shop/web 10.0", "shop/db 10.0", "web 12.0", "db 12.0",
        ])
      #expect(input.warnings == ["dump 1: edges that other dumps have measured too count once, at the higher rate"])
    }
    // Bytes of one and requests of the other are one edge; so is what one counts by connections.
    #expect(try plan(istio, graph((nil, "web"), (nil, "db.shop"), bytes: 500)).problem.edges.map(\.traffic) == [500])
    let flows = graph((nil, "web"), (nil, "db"), bytes: 700, isOfConnections: true)
    #expect(try plan(istio, flows).problem.edges.map(\.traffic) == [700])
    #expect(try plan(flows, istio).problem.edges.map(\.traffic) == [700])
    // Of different ends, all counts.
    let other = graph((nil, "db"), (nil, "idle"), requests: 3)
    #expect(try plan(istio, other).problem.edges.map(\.traffic) == [10, 3])
    // What is outside of both counts once too.
    let bank = graph((nil, "web"), (nil, "bank"), requests: 3)
    #expect(try plan(bank, graph(("shop", "web"), (nil, "bank"), requests: 2)).traffic.total == 3)
    // A table's rows are more.
    var reader = TrafficReader()
    reader.begin("table.csv")
    let table = "source,destination,requests_per_second\nshop/web,shop/db,5\n"
    try Array(table.utf8).withUnsafeBytes { try reader.read($0) }
    try reader.end()
    var traffic = ObservedTraffic(istio)
    traffic.add(ObservedTraffic(jaeger))
    for dump in reader.finish() { traffic.add(dump) }
    #expect(try PlanInput(Self.cluster(), traffic).problem.edges.map(\.traffic) == [17])
    let named = [NamedTraffic(name: "day", traffic: traffic), NamedTraffic(name: "night", graph: istio)]
    let matrices = try PlanInput(Self.cluster(), named, .mean)
    #expect(matrices.traffic.edges.map(\.trafficByMatrix) == [[17, 10]])
    #expect(matrices.warnings.contains { $0.hasPrefix("traffic 'day': ") })
  }

  @Test("counts once what one tool tells of a Service and another of the workloads behind it")
  func originsOfServices() throws {
    let objects = try snapshot(
      node("n1"), workload("v1", labels: "app.kubernetes.io/name: reviews"),
      workload("v2", replicas: 3, labels: "app.kubernetes.io/name: reviews"), workload("web"))
    var traffic = ObservedTraffic(Self.traffic(("web", "reviews", 8)))
    traffic.add(ObservedTraffic(Self.traffic(("web", "v1", 4), ("web", "v2", 4))))
    #expect(try PlanInput(ClusterProblem(objects), traffic).problem.edges.map(\.traffic) == [4, 6])
  }

  @Test("says which entries of the map match no name in the traffic")
  func unusedEntries() throws {
    let map = try Self.map("bank: outside\nshop/bnak: outside\n\nwbe: shop/web")
    let input = try PlanInput(Self.cluster(), Self.traffic(("web", "db", 10), ("web", "bank", 4)), map: map)
    #expect(
      input.warnings == [
        "no name in the traffic matches what the map says of 'shop/bnak' (map.yaml:2), 'wbe' (map.yaml:4)"
      ])
    let night = NamedTraffic(name: "night", graph: Self.traffic(("wbe", "bnak", 4)))
    let day = NamedTraffic(name: "day", graph: Self.traffic(("web", "bank", 4)))
    #expect(
      !(try PlanInput(Self.cluster(), [day, night], .mean, map: Self.map("wbe: shop/web")).warnings).contains {
        $0.contains("the map")
      })
  }

  @Test("has no edge for each two of very many workloads that a name could mean")
  func manyParts() throws {
    let workloads = (0..<60).map { workload("w\($0)", labels: "app.kubernetes.io/name: all") }.joined()
    let input = try PlanInput(
      ClusterProblem(snapshot(node("n1"), workloads)), Self.traffic(("all", "all", 8), ("w0", "w1", 1)))
    #expect(input.problem.edges.map(\.traffic) == [1])
    #expect(
      input.traffic.outside.map(\.reason) == [
        "ambiguous: app label of shop/all means 60 workloads, shop/w0, shop/w1, shop/w2 and 57 more; "
          + "say which with --map"
      ])
  }

  @Test("brings all its matrices to one unit, and says which has no traffic")
  func matrixUnits() throws {
    var requests = TrafficGraph()
    let ends = ["web", "db"].map { requests.index(of: TrafficEndpoint(namespace: nil, name: $0)) }
    requests.add(source: ends[0], destination: ends[1], bytesPerSecond: nil, requestsPerSecond: 5)
    let day = NamedTraffic(name: "day", graph: Self.traffic(("web", "db", 12)))
    let mixed = try PlanInput(Self.cluster(), [day, NamedTraffic(name: "night", graph: requests)], .worst)
    #expect(mixed.problem.trafficUnit == .bytesPerSecond)
    #expect(mixed.traffic.edges.map(\.trafficByMatrix) == [[12, 10_000]])
    #expect(
      mixed.traffic.warnings == [
        "1 of 2 edges between workloads have requests but no bytes: a request counts 2000 bytes, a default, because no "
          + "edge has both"
      ])
    let quiet = try PlanInput(Self.cluster(), [day, NamedTraffic(name: "night", graph: TrafficGraph())], .worst)
    #expect(quiet.problem.edges.map(\.traffic) == [12])
    #expect(quiet.warnings.contains("traffic 'night': there is none between workloads of the plan"))
  }

  @Test("counts databases and brokers of the cluster that send no telemetry, whatever a dump calls them")
  func uninstrumented() throws {
    let cluster = ClusterProblem(
      try snapshot(
        node("n1"), workload("web"), workload("mailer"), workload("redis-node"), workload("pg"), workload("kafka"),
        pod("pg-0", on: "n1", owner: "ReplicaSet/pg-6c5b", labels: "app: pg, pod-template-hash: 6c5b").replacing(
          "phase: Running", with: "phase: Running, podIP: 10.1.0.7"),
        """
        ---
        {apiVersion: v1, kind: Service, metadata: {name: redis, namespace: shop},
         spec: {selector: {app: redis-node}, clusterIP: 10.96.0.5, ports: [{port: 6379}]}}
        ---
        {apiVersion: v1, kind: Service, metadata: {name: bus, namespace: shop},
         spec: {selector: {app: kafka}, clusterIP: None, ports: [{port: 9092}]}}

        """
      )
    )
    func plan(_ dump: String) throws -> [String] {
      var reader = TrafficReader()
      reader.begin("dump")
      try Array(dump.utf8).withUnsafeBytes { try reader.read($0) }
      try reader.end()
      var graph = TrafficGraph()
      for dump in reader.finish() { graph.add(dump.graph) }
      let input = try PlanInput(cluster, graph)
      return input.problem.edges.map {
        "\(input.problem.workloads[$0.u].name)–\(input.problem.workloads[$0.v].name) \($0.traffic)"
      }
    }
    func series(_ labels: String) -> String {
      #"{"metric": {\#(labels)}, "value": [0, "4"]}"#
    }
    func answer(_ series: [String]) -> String {
      #"{"status": "success", "data": {"resultType": "vector", "result": [\#(series.joined(separator: ", "))]}}"#
    }
    // OpenTelemetry's service graph.
    let graph = #""client": "web", "client_k8s_namespace_name": "shop", "server""#
    #expect(
      try plan(
        answer([
          series(#"\#(graph): "redis", "connection_type": "database""#),
          series(#"\#(graph): "pg", "connection_type": "virtual_node""#),
          series(#"\#(graph): "api.bank.example", "connection_type": "virtual_node""#),
        ])) == ["shop/web–shop/redis-node 4.0", "shop/web–shop/pg 4.0"])
    // Istio, of what has no sidecar.
    let istio = #""source_workload": "web", "source_workload_namespace": "shop", "destination_workload": "unknown""#
    #expect(
      try plan(
        answer([
          series(
            #""__name__": "istio_requests_total", "reporter": "source", \#(istio), "destination_service_name": "redis", "#
              + #""destination_service_namespace": "shop""#)
        ])) == ["shop/web–shop/redis-node 4.0"])
    // Spans, by a Service's address, a pod's address and a broker's DNS name.
    func span(_ service: String, _ id: Int, _ parent: Int?, _ kind: Int, _ attributes: [String: String]) -> String {
      let members = attributes.map { #"{"key": "\#($0)", "value": {"stringValue": "\#($1)"}}"# }
      return #"{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "\#(service)"}}, "#
        + #"{"key": "k8s.namespace.name", "value": {"stringValue": "shop"}}]}, "scopeSpans": [{"spans": [{"traceId": "t", "#
        + #""spanId": "\#(id)", "parentSpanId": "\#(parent.map(String.init) ?? "")", "kind": \#(kind), "#
        + #""attributes": [\#(members.joined(separator: ", "))]}]}]}"#
    }
    let spans = [
      span("web", 1, nil, 3, ["db.system": "redis", "server.address": "10.96.0.5", "server.port": "6379"]),
      span("web", 2, nil, 3, ["peer.service": "orders", "server.address": "10.1.0.7"]),
      span("web", 3, nil, 4, ["messaging.system": "kafka", "server.address": "bus-0.bus", "server.port": "9092"]),
      span("mailer", 4, 3, 5, ["messaging.system": "kafka"]),
    ]
    #expect(
      try plan(#"{"resourceSpans": [\#(spans.joined(separator: ", "))]}"#).sorted() == [
        "shop/kafka–shop/mailer 1.0", "shop/web–shop/kafka 1.0", "shop/web–shop/pg 1.0", "shop/web–shop/redis-node 1.0",
      ])
  }

  @Test("has a workload that cannot move for an end that the map pins")
  func pinned() throws {
    let input = try PlanInput(
      Self.cluster(),
      Self.traffic(("web", "db", 10), ("web", "bank", 4), ("db", "bank", 1)),
      map: Self.map("bank: {node: n2}")
    )
    let problem = input.problem
    #expect(problem.workloads.map(\.name) == ["shop/web", "shop/db", "shop/idle", "bank"])
    #expect(problem.edges.map(\.traffic) == [10, 4, 1])
    #expect(problem.edges.map(\.v) == [1, 3, 3])
    #expect(problem.limit(workload: 3, node: 0) == 0)
    #expect(problem.limit(workload: 3, node: 1) == 1)
    #expect(problem.requests.count == 4 * problem.resources.count)
    #expect(problem.requests.suffix(problem.resources.count).allSatisfy { $0 == 0 })
    #expect(problem.current[3] == [.init(node: 1, replicas: 1)])
    #expect(input.references.last == .some(nil))
  }

  @Test("says what share of the traffic is no part of the plan")
  func remarks() throws {
    let input = try PlanInput(
      Self.cluster(),
      Self.traffic(("web", "web", 1), ("web", "db", 1), ("x1", "web", 4), ("x2", "x3", 2))
    )
    #expect(
      input.warnings == [
        "12.5 % of the traffic is of workloads with themselves; it is not part of the plan",
        "3 names in the traffic match nothing in the cluster, such as 'x1', 'x2', 'x3': "
          + "do the files belong together? --map tells what names mean",
      ]
    )
  }

  @Test("says how traffic is split where a name means several workloads")
  func split() throws {
    let objects = try snapshot(
      node("n1"), workload("v1", labels: "app.kubernetes.io/name: reviews"),
      workload("v2", replicas: 3, labels: "app.kubernetes.io/name: reviews"), workload("web")
    )
    let input = try PlanInput(ClusterProblem(objects), Self.traffic(("web", "reviews", 8)))
    #expect(input.problem.edges.map(\.traffic) == [2, 6])
    #expect(input.warnings == ["reviews means several workloads, by replicas: shop/v1, shop/v2"])
  }

  @Test("without traffic can only be balanced, and says so")
  func noTraffic() throws {
    let input = try PlanInput(Self.cluster(), TrafficGraph())
    #expect(input.problem.edges.isEmpty)
    #expect(input.warnings == ["there is no traffic between workloads of the plan: it can only balance the nodes"])
  }

  @Test("needs nodes and workloads")
  func incomplete() throws {
    let noNodes = ClusterProblem(try snapshot(workload("web")))
    let noWorkloads = ClusterProblem(try snapshot(node("n1")))
    for cluster in [noNodes, noWorkloads] {
      let error = try #require(throws: PlanningError.self) { try PlanInput(cluster, TrafficGraph()) }
      #expect(error.code == .badCluster)
    }
  }

  @Test("counts all traffic of a dump once: between workloads, within one, or with an end outside", arguments: 0..<50)
  func conservation(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let names = ["web", "db", "idle", "shop/web", "out", "web.shop:80"]
    var graph = TrafficGraph()
    var total = 0.0
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      let ends = [0, 0].map { _ in
        graph.index(of: TrafficEndpoint(namespace: nil, name: names.randomElement(using: &random) ?? ""))
      }
      let bytes = Double(Int.random(in: 0...1000, using: &random))
      total += bytes
      graph.add(source: ends[0], destination: ends[1], bytesPerSecond: bytes, requestsPerSecond: nil)
    }
    let traffic = try PlanInput(Self.cluster(), graph).traffic
    let edges = traffic.edges.reduce(0) { $0 + $1.traffic }
    #expect(abs(edges + traffic.selfTraffic + traffic.outsideTraffic - total) < 1e-6)
    #expect(traffic.total == total)
    #expect(Set(traffic.edges.map { Set([$0.u, $0.v]) }).count == traffic.edges.count)
  }
}

@Suite("A scored placement")
struct ScoredPlacementTests {
  static func input() throws -> PlanInput {
    var input = try PlanInput(PlanInputTests.cluster(), PlanInputTests.traffic(("web", "db", 12), ("web", "idle", 4)))
    input.problem.weights.utilization = 0
    return input
  }

  static func plan(_ nodes: String, of workload: String = "web") throws -> PlacementPlan {
    let text = """
      apiVersion: tonari.dev/v1alpha1
      kind: PlacementPlan
      metadata: {name: p}
      spec:
        placements:
        - {workload: {kind: Deployment, namespace: shop, name: \(workload)}, nodes: \(nodes)}
        - {workload: {kind: Deployment, namespace: shop, name: db}, nodes: [{name: n1, replicas: 1}]}
      """
    return try PlacementPlan(Data(text.utf8), file: "plan.yaml")
  }

  @Test("that runs now is scored as far as it runs, and what is missing is named")
  func running() throws {
    let scored = try ScoredPlacement(running: Self.input())
    #expect(scored.evaluation.totalTraffic == 12)
    #expect(scored.evaluation.localizedShareNode == 0.5)
    #expect(scored.evaluation.moves == 0)
    #expect(scored.violations == ["shop/idle: 0 of 1 replicas are placed"])
    #expect(scored.warnings == ["25.0 % of the traffic has an end without replicas here; the figures leave it out"])
    let status = try #require(scored.document(name: "now").status)
    #expect(status.violations == scored.violations)
    #expect(status.traffic.crossNode == 6)
    #expect(status.moveOrder == nil)
  }

  @Test("of a plan counts the moves from what runs now")
  func plan() throws {
    let plan = try Self.plan("[{name: n1, replicas: 2}]")
    let scored = try ScoredPlacement(plan, file: "plan.yaml", on: Self.input())
    #expect(scored.evaluation.localizedShareNode == 1)
    #expect(scored.evaluation.moves == 2)
    #expect(
      scored.document(name: "p").status?.moveOrder?.map { "\($0.workload.name) \($0.from ?? "") \($0.to ?? "")" }
        .sorted()
        == ["db n2 n1", "web n2 n1"])
  }

  @Test(
    "of a plan that does not fit the cluster is refused",
    arguments: [
      ("[{name: n9, replicas: 1}]", "web", "spec.placements[0].nodes[0].name: 'n9' is no node of the cluster"),
      (
        "[]", "wob",
        "spec.placements[0].workload: 'Deployment shop/wob' is no workload of the cluster that a plan may move"
      ),
    ]
  )
  func refused(nodes: String, workload: String, message: String) throws {
    let plan = try Self.plan(nodes, of: workload)
    let error = try #require(throws: PlanningError.self) {
      try ScoredPlacement(plan, file: "plan.yaml", on: Self.input())
    }
    #expect(error.code == .badPlan)
    #expect(error.message == "plan.yaml: \(message)")
  }

  @Test("needs pods that run")
  func nothingRuns() throws {
    let cluster = ClusterProblem(try snapshot(node("n1"), workload("web")))
    let input = try PlanInput(cluster, TrafficGraph())
    let error = try #require(throws: PlanningError.self) { try ScoredPlacement(running: input) }
    #expect(error.code == .badCluster)
  }
}
