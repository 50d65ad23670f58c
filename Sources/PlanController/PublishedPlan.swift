import Foundation
import Kubernetes
import Planning

/// The `PlacementPlan` object of a name, as the API server has it.
struct PublishedPlan: Sendable {
  /// Nil where what is there cannot be read as a plan.
  var plan: PlacementPlan?
  /// The version that was read.
  var resourceVersion: String

  /// Reads an object.
  init(_ object: RawObject) {
    plan = try? PlacementPlan(Data(object.json), file: "PlacementPlan \(object.key)")
    resourceVersion = object.resourceVersion
  }
}

extension APIClient {
  /// Reads the plan of a name; nil where there is none.
  func plan(named name: String) async throws -> PublishedPlan? {
    do {
      return PublishedPlan(try await get(.placementPlans, name))
    } catch let error as APIError where error.isNotFound {
      return nil
    }
  }

  /// Writes a plan by server-side apply, then its status, each as one step.
  ///
  /// - Parameter current: the object that it replaces, which must be as it was read; nil where there was none.
  func apply(_ plan: PlacementPlan, over current: PublishedPlan?) async throws {
    var spec = try JSONValue(plan)
    spec["status"] = nil
    if let current { spec["metadata"]?["resourceVersion"] = .string(current.resourceVersion) }
    _ = try await patch(.placementPlans, plan.metadata.name, .apply(spec, force: true))
    try await applyStatus(plan)
  }

  /// Writes a plan's status alone.
  func applyStatus(_ plan: PlacementPlan) async throws {
    var status = try JSONValue(plan)
    status["spec"] = nil
    _ = try await patch(
      .placementPlans, plan.metadata.name, .apply(status, force: true), subresource: "status",
      manager: "\(fieldManager)-status")
  }
}

extension JSONValue {
  fileprivate init(_ plan: PlacementPlan) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(plan))
  }
}

extension PlacementPlan {
  /// etcd takes objects of up to 1.5 MiB. Longer ways are made anew when their first part has been gone.
  private static let mostSteps = 1000

  /// The plan as an object of the cluster: shares with four digits, as kubectl shows them as they are, and the first
  /// steps of a very long way.
  func published() -> PlacementPlan {
    func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
    guard var status else { return self }
    status.traffic.localizedShare.node = rounded(status.traffic.localizedShare.node)
    status.traffic.localizedShare.zone = rounded(status.traffic.localizedShare.zone)
    status.utilization.max = rounded(status.utilization.max)
    status.utilization.mean = rounded(status.utilization.mean)
    status.gap = status.gap.map(rounded)
    status.moveOrder = status.moveOrder.map { Array($0.prefix(Self.mostSteps)) }
    status.blockedMoves = status.blockedMoves.map { Array($0.prefix(Self.mostSteps)) }
    var plan = self
    plan.status = status
    return plan
  }
}
