import Testing

@testable import Model
@testable import Selection

@Suite("Tiers")
struct TierTests {
  /// Two zones of two nodes with two replicas each, of another cluster two more.
  private static let replicas: [Replica] =
    (0..<8).map { k in
      Replica(name: "r\(k)", node: "n\(k / 2)", zone: "z\(k / 4)", cluster: "here", concurrency: 4)
    } + (8..<10).map { Replica(name: "r\($0)", node: "n0", zone: "z0", cluster: "there", concurrency: 4) }

  /// Sends requests from node n0, `busy` of whose work is there on average, and answers the share of each tier.
  private func shares<Policy: SelectionPolicy>(_ policy: Policy, busy: Double) throws -> [Double] {
    var selector = ReplicaSelector(policy, seed: 1)
    selector.replace(with: Self.replicas, at: .start)
    let from = Place(node: "n0", zone: "z0", cluster: "here")
    var served = ServedSelector(selector, seconds: Array(repeating: 0.02, count: 10), cores: 4)
    var counts = [0.0, 0, 0, 0]
    for pick in try served.send(3000, every: 0.02 / busy, PickRequest(from: from)) {
      counts[pick.tier.rawValue] += 1.0 / 3000
    }
    return counts
  }

  @Test("keep requests on their node while it has room", arguments: PolicyCase.allCases)
  func room(policy: PolicyCase) throws {
    let found = try policy.with { try shares($0, busy: 3) }
    #expect(found[Tier.node.rawValue] > 0.95, "\(found)")
  }

  @Test("let only the excess out, farther the more there is", arguments: PolicyCase.allCases)
  func spill(policy: PolicyCase) throws {
    // A node works on eight at a time, all of them on forty.
    let all: [[Double]] = try [3, 7, 12, 20, 30, 39].map { busy in try policy.with { try shares($0, busy: busy) } }
    let near = all.map { $0[Tier.node.rawValue] }
    #expect(zip(near, near.dropFirst()).allSatisfy { $0 >= $1 - 0.02 }, "\(near)")
    #expect(near[2] > 0.5 && near[2] < 0.9, "\(near)")
    #expect(all[2][Tier.remote.rawValue] < 0.1, "\(all)")
    #expect(all[5][Tier.cluster.rawValue] > 0.2, "\(all)")
  }

  @Test("are known by the names of the places")
  func names() throws {
    var selector = ReplicaSelector(RandomPolicy())
    selector.replace(with: Self.replicas, at: .start)
    let tiers = { (place: Place, name: String) -> Tier? in
      selector.table.id(of: name).map { selector.table.tier(of: $0.slot, from: place) }
    }
    let here = Place(node: "n1", zone: "z0", cluster: "here")
    #expect(["r2", "r0", "r4", "r8"].map { tiers(here, $0) } == [.node, .zone, .cluster, .remote])
    let nodeless = Place(node: nil, zone: "z1", cluster: "here")
    #expect(["r4", "r0", "r8"].map { tiers(nodeless, $0) } == [.zone, .cluster, .remote])
    let elsewhere = Place(node: "n9", zone: "z9", cluster: "nowhere")
    #expect(tiers(elsewhere, "r0") == .remote)
    #expect(selector.pick(PickRequest(from: elsewhere), at: .start)?.tier == .remote)
  }

  @Test("say how far two places are apart, and know a place's neighbours")
  func places() {
    let here = Place(node: "n1", zone: "a", cluster: "one")
    #expect(here.tier(of: here) == .node)
    #expect(here.tier(of: Place(node: "n2", zone: "a", cluster: "one")) == .zone)
    #expect(here.tier(of: Place(node: "n2", zone: "b", cluster: "one")) == .cluster)
    #expect(here.tier(of: Place(node: "n1", zone: "a", cluster: "two")) == .remote)
    #expect(Place.unknown.tier(of: here) == .remote && here.tier(of: .unknown) == .remote)
    #expect(here.neighbour(node: nil) == here)
    #expect(here.neighbour(node: "n2", zone: "b") == Place(node: "n2", zone: "b", cluster: "one"))
    #expect(here.neighbour(node: nil, zone: "b") == Place(node: nil, zone: "b", cluster: "one"))
    #expect(Place.unknown.neighbour(node: "n2", zone: "b") == Place(node: "n2", zone: "b"))
  }
}
