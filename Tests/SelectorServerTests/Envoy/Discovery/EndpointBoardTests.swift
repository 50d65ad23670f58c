import EnvoyProtocol
import Model
import Overflow
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("What Envoys of a place are told of a service")
struct EndpointBoardTests {
  private func board(_ place: Place = .unknown) -> EndpointBoard {
    EndpointBoard("s", seenFrom: place, SpillOptions())
  }

  private struct Told: Hashable {
    var address: String
    var priority: UInt32
    var locality: String
    var health: Envoy_Config_Endpoint_V3_HealthStatus
    var weight: UInt32
  }

  private func told(_ board: EndpointBoard) throws -> [Told] {
    let assignment = try #require(board.assignment)
    #expect(assignment.clusterName == "s")
    return assignment.endpoints.flatMap { group in
      #expect(group.loadBalancingWeight.value == group.lbEndpoints.reduce(0) { $0 + $1.loadBalancingWeight.value })
      return group.lbEndpoints.map { endpoint in
        let socket = endpoint.endpoint.address.socketAddress
        return Told(
          address: "\(socket.address) \(socket.portValue)", priority: group.priority,
          locality: "\(group.locality.region)/\(group.locality.zone)/\(group.locality.subZone)",
          health: endpoint.healthStatus, weight: endpoint.loadBalancingWeight.value)
      }
    }
  }

  @Test("is every replica that is there, with its state; who only starts is left out, as is who has a name")
  func states() throws {
    var status = try ServiceStatus.sample([
      ServiceReplica(address: "10.0.0.1:80", node: "n1", zone: "a"), ServiceReplica(address: "10.0.0.2:80"),
      ServiceReplica(address: "10.0.0.3:80", state: .draining),
      ServiceReplica(address: "10.0.0.4:80", state: .starting),
      ServiceReplica(address: "[fd00::1]:80"), ServiceReplica(address: "cart.shop:80"),
    ])
    status.replicas[1].view.isEjected = true
    var board = board()
    var isNews = board.follow(status, at: .start)
    #expect(isNews)
    #expect(
      Set(try told(board)) == [
        Told(address: "10.0.0.1 80", priority: 0, locality: "/a/n1", health: .healthy, weight: 100),
        Told(address: "10.0.0.2 80", priority: 0, locality: "//", health: .unhealthy, weight: 100),
        Told(address: "10.0.0.3 80", priority: 0, locality: "//", health: .draining, weight: 100),
        Told(address: "fd00::1 80", priority: 0, locality: "//", health: .healthy, weight: 100),
      ])
    isNews = board.follow(status, at: .seconds(1))
    #expect(!isNews, "nothing has changed")
    status.replicas[1].view.isEjected = false
    isNews = board.follow(status, at: .seconds(1))
    #expect(isNews, "it is told at once that it is back")
  }

  @Test("is in priorities by tier, with clusters told apart")
  func tiers() throws {
    var status = try ServiceStatus.sample([
      ServiceReplica(address: "10.0.0.1:80", node: "n1", zone: "a", cluster: "one"),
      ServiceReplica(address: "10.0.0.2:80", node: "n2", zone: "a", cluster: "one"),
      ServiceReplica(address: "10.0.0.3:80", node: "n3", zone: "b", cluster: "one"),
      ServiceReplica(address: "10.0.0.4:80", node: "n1", zone: "a", cluster: "two"),
    ])
    status.replicas[0].set(LoadReport(inFlight: 0), at: .start)
    var board = board(Place(node: "n1", zone: "a", cluster: "one"))
    var isNews = board.follow(status, at: .start)
    #expect(isNews)
    #expect(try told(board).map(\.priority) == [0, 1, 2, 3])
    #expect(try told(board).map(\.locality) == ["/a/n1", "/a/n2", "/b/n3", "two/a/n1"])
    // The only one nearby rests: the next are the first.
    status.replicas[0].view.isEjected = true
    isNews = board.follow(status, at: .seconds(1))
    #expect(isNews)
    #expect(try told(board).map(\.priority) == [0, 0, 1, 2])
  }

  @Test("is that there are none when a service is gone, once; nothing where there never was one")
  func gone() throws {
    var board = board()
    var isNews = board.clear()
    #expect(!isNews && board.assignment == nil)
    isNews = board.follow(try ServiceStatus.sample(2), at: .start)
    #expect(isNews)
    isNews = board.clear()
    #expect(isNews)
    #expect(try told(board).isEmpty)
    isNews = board.clear()
    #expect(!isNews)
  }

  @Test("does not change for noise of a tenth, and does for a replica that gets slow", arguments: 0..<20)
  func quiet(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var status = try ServiceStatus.sample(12, concurrency: 4)
    var board = board()
    func step(_ second: Int, slow: Double) -> Bool {
      for index in status.replicas.indices {
        let noise = (0..<4).reduce(0) { sum, _ in sum + Double.random(in: -0.1...0.1, using: &generator) } / 2
        status.replicas[index].set(pace: 0.01 * (index == 3 ? slow : 1) * (1 + noise))
      }
      return board.follow(status, at: .seconds(Double(second)))
    }
    let pushes = (0..<300).count { step($0, slow: 1) }
    #expect(pushes <= 10, "\(pushes) pushes in 300 seconds")
    let slowdown = (300..<310).count { step($0, slow: 3) }
    #expect((1...10).contains(slowdown))
    let weights = Dictionary(uniqueKeysWithValues: try told(board).map { ($0.address, $0.weight) })
    let slow = try #require(weights[status.replicas[3].replica.address.replacing(":", with: " ")])
    #expect(slow < 60 && slow >= 1)
    #expect(weights.values.allSatisfy { (1...1000).contains($0) })
  }

  @Test("has the same version for the same contents, another for others")
  func versions() throws {
    func version(_ status: ServiceStatus) throws -> String {
      var board = board()
      _ = board.follow(status, at: .start)
      guard case .assignment(let version, let resource) = DiscoveredEndpoints(try #require(board.assignment)) else {
        throw CancellationError()
      }
      #expect(try Envoy_Config_Endpoint_V3_ClusterLoadAssignment(unpackingAny: resource) == board.assignment)
      return version
    }
    #expect(try version(.sample(5)) == version(.sample(5)))
    #expect(try version(.sample(5)) != version(.sample(6)))
  }
}

@Suite("An endpoint's address")
struct EndpointAddressTests {
  @Test("is written as replicas are called", arguments: ["1.2.3.4:80", "[::1]:65535", "[fd00::1]:8080"])
  func good(text: String) throws {
    let address = try #require(EndpointAddress(text))
    #expect(address.text == text)
    #expect(EndpointAddress(address.message) == address)
  }

  @Test(
    "is none where it is a name or anything else",
    arguments: [
      "", ":", "cart:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3:80", "::1:80", "[1.2.3.4]:80",
      "[::1]", "[::1:80", "[]:80", "1.2.3.4:8a", "[fe80::1%eth0]:80",
    ])
  func bad(text: String) {
    #expect(EndpointAddress(text) == nil)
  }

  @Test("is none of a message without a number")
  func messages() {
    #expect(EndpointAddress(Envoy_Config_Core_V3_Address()) == nil)
    #expect(
      EndpointAddress(
        .with {
          $0.socketAddress = .with {
            $0.address = "x"; $0.portValue = 80
          }
        }) == nil)
    #expect(
      EndpointAddress(
        .with {
          $0.socketAddress = .with {
            $0.address = "1.2.3.4"; $0.portValue = 1 << 16
          }
        }) == nil)
  }
}

@Suite("Where an Envoy is")
struct NodePlaceTests {
  private typealias Node = Envoy_Config_Core_V3_Node
  private let selector = Place(node: "n9", zone: "z9", cluster: "one")

  private func place(_ change: (inout Node) -> Void) -> Place {
    var node = Node()
    change(&node)
    return Place(node, at: selector)
  }

  @Test("is said by its locality or by Istio's metadata, else where the selector is")
  func places() {
    #expect(place { _ in } == selector)
    #expect(place { $0.locality.zone = "a" } == Place(node: nil, zone: "a", cluster: "one"))
    let expected = Place(node: "n1", zone: "a", cluster: "one")
    #expect(
      place {
        $0.locality.zone = "a"
        $0.locality.subZone = "n1"
      } == expected)
    #expect(
      place {
        $0.locality.zone = "a"
        $0.locality.subZone = "rack 7"
        $0.metadata.fields["NODE_NAME"] = "n1"
      } == expected)
    #expect(place { $0.metadata.fields["CLUSTER_ID"] = "two" } == Place(node: nil, cluster: "two"))
    #expect(
      Place(.with { $0.locality.zone = "a" }, at: .unknown) == Place(node: nil, zone: "a"))
  }
}
