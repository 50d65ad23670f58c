import Formats
import Foundation
import Kubernetes

/// The `PlacementPlan` object of a name, as the API server has it.
struct PublishedPlan: Sendable {
  /// Nil where what is there cannot be read as a plan.
  var plan: PlacementPlan?
  /// Which object it is, and the version that was read.
  var uid: String
  var resourceVersion: String

  /// Reads an object.
  init(_ object: RawObject) {
    plan = try? PlacementPlan(Data(object.json), file: "PlacementPlan \(object.key)")
    uid = object.uid
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

  /// Writes a plan, by server-side apply where there is one, then its status, each as one step.
  ///
  /// - Parameter current: the object that it replaces, which must be as it was read; nil where there was none, and must be
  ///   none.
  func apply(_ plan: PlacementPlan, over current: PublishedPlan?) async throws {
    var spec = try JSONValue(plan)
    spec["status"] = nil
    let written: RawObject
    if let current {
      spec.require(current)
      written = try await patch(.placementPlans, plan.metadata.name, .apply(spec, force: true))
    } else {
      written = try await create(.placementPlans, spec)
    }
    try await applyStatus(plan, over: PublishedPlan(written))
  }

  /// Writes a plan's status alone.
  ///
  /// - Parameter current: the object that it is for, which must be as it was read; nil where there was none.
  func applyStatus(_ plan: PlacementPlan, over current: PublishedPlan?) async throws {
    var status = try JSONValue(plan)
    status["spec"] = nil
    if let current { status.require(current) }
    _ = try await patch(
      .placementPlans, plan.metadata.name, .apply(status, force: true), subresource: "status",
      manager: "\(fieldManager)-status")
  }
}

extension JSONValue {
  fileprivate init(_ plan: PlacementPlan) throws {
    self = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(plan))
  }

  /// Lets a write have its effect only on the object that was read, as it was.
  fileprivate mutating func require(_ current: PublishedPlan) {
    self["metadata"]?["uid"] = .string(current.uid)
    self["metadata"]?["resourceVersion"] = .string(current.resourceVersion)
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
