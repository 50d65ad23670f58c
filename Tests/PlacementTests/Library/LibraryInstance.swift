import Foundation
import Placement
import Testing

/// A small placement problem in a file, with what is known of its solution.
struct LibraryInstance: Decodable {
  struct Node: Decodable {
    var name: String
    var zone: String?
    var allocatable: [Int64]
    var reserved: [Int64]?
  }

  struct Workload: Decodable {
    var name: String
    var replicas: Int
    var requests: [Int64]
    /// The nodes that it may run on; nil for all.
    var nodes: [String]?
    /// The most replicas on one node; nil for any number.
    var perNode: Int?
    /// Where it runs now, replicas by node; nil where it does not run yet.
    var runs: [String: Int]?
  }

  struct Rule: Decodable {
    enum Kind: String, Decodable { case atMost, apart, together, spread }
    enum Domains: String, Decodable { case node, zone }

    var rule: Kind
    var workload: String
    var `in`: Domains
    var count: Int?
    var other: String?
    var others: [String]?
    var members: [String]?
    var maxSkew: Int?
  }

  /// A workload, another, and the traffic between them.
  struct Edge: Decodable {
    var u: String
    var v: String
    var traffic: Double

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      u = try container.decode(String.self)
      v = try container.decode(String.self)
      traffic = try container.decode(Double.self)
    }
  }

  /// What is awkward about it.
  var about: String
  var resources: [String]?
  var nodes: [Node]
  var workloads: [Workload]
  var edges: [Edge]?
  var rules: [Rule]?
  var leavingZone: Double?
  var utilization: Double?
  var move: Double?
  var maxMoves: Int?
  /// The objective of the best placement, proven by CP-SAT or by trying all; nil where nobody has proven it.
  var optimum: Double?
  /// Whether there is no placement at all.
  var infeasible: Bool?

  /// The folder of all instances.
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Instances")

  /// The names of all instances.
  static let names: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "json" }.map { $0.deletingPathExtension().lastPathComponent }.sorted()
  }()

  static func named(_ name: String) throws -> LibraryInstance {
    let file = folder.appending(path: name).appendingPathExtension("json")
    return try JSONDecoder().decode(LibraryInstance.self, from: Data(contentsOf: file))
  }

  func problem() throws -> Problem {
    let resources = resources ?? ["cpu"]
    let zoneNames = nodes.map { $0.zone ?? "" }.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let zoneOf = try nodes.map { node in try #require(zoneNames.firstIndex(of: node.zone ?? "")) }
    let nodeIndex = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1.name, $0) })
    let index = Dictionary(uniqueKeysWithValues: workloads.enumerated().map { ($1.name, $0) })
    var problem = Problem(
      resources: resources,
      nodes: zip(nodes, zoneOf).map { Problem.Node(name: $0.name, zone: $1) },
      zones: zoneNames,
      workloads: workloads.enumerated().map { Problem.Workload(name: $1.name, replicas: $1.replicas, limitRow: $0) },
      requests: workloads.flatMap(\.requests),
      allocatable: nodes.flatMap(\.allocatable))
    problem.reserved = nodes.flatMap { $0.reserved ?? resources.map { _ in 0 } }
    problem.limitRows = workloads.map { workload in
      nodes.map { node in
        workload.nodes?.contains(node.name) ?? true ? Int32(clamping: workload.perNode ?? .max) : 0
      }
    }
    problem.edges = try (edges ?? []).map { edge in
      Problem.Edge(u: try #require(index[edge.u]), v: try #require(index[edge.v]), traffic: edge.traffic)
    }
    problem.current = try workloads.map { workload in
      try workload.runs.map { runs in
        try runs.map { Problem.Placed(node: try #require(nodeIndex[$0.key]), replicas: $0.value) }.sorted {
          $0.node < $1.node
        }
      }
    }
    problem.weights.leavingZone = leavingZone ?? 0
    problem.weights.utilization = utilization ?? 0
    problem.weights.move = move ?? 0
    problem.weights.maxMoves = maxMoves
    problem.partitions = [
      Problem.Partition(name: "node", domain: nodes.indices.map { Int32($0) }),
      Problem.Partition(name: "zone", domain: zoneOf.map { Int32($0) }),
    ]
    problem.rules = try (rules ?? []).map { rule in
      let partition = rule.in == .node ? 0 : 1
      let domains = problem.partitions[partition].count
      let workload = try #require(index[rule.workload])
      return switch rule.rule {
      case .atMost: .atMost(workload: workload, partition: partition, count: rule.count ?? 1)
      case .apart: .apart(workload: workload, other: try #require(index[rule.other ?? ""]), partition: partition)
      case .together:
        .together(
          workload: workload, others: try (rule.others ?? []).map { try #require(index[$0]) }, partition: partition,
          present: Array(repeating: false, count: domains))
      case .spread:
        .spread(
          workload: workload, members: try (rule.members ?? [rule.workload]).map { try #require(index[$0]) },
          partition: partition,
          maxSkew: rule.maxSkew ?? 1, minDomains: 1, base: Array(repeating: 0, count: domains),
          eligible: Array(repeating: true, count: domains))
      }
    }
    return problem
  }
}
