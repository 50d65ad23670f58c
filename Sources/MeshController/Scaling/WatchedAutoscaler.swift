import Kubernetes
import Overflow

/// A HorizontalPodAutoscaler as the API server has it (`autoscaling/v2`, `v2beta2`).
struct WatchedAutoscaler: Decodable, Hashable, Sendable {
  private var metadata: Metadata
  private var spec: Spec
  private var status: Status?

  private struct Metadata: Decodable, Hashable, Sendable {
    var name: String
  }

  private struct Spec: Decodable, Hashable, Sendable {
    struct Reference: Decodable, Hashable, Sendable {
      var kind: String
      var name: String
    }

    var scaleTargetRef: Reference
    var maxReplicas: Int
    var metrics: [Figure]?
  }

  private struct Status: Decodable, Hashable, Sendable {
    var currentReplicas: Int?
    var desiredReplicas: Int?
    var currentMetrics: [Figure]?
  }

  /// A metric's target in the spec, or what it is in the status: the same fields but for one name.
  private struct Figure: Decodable, Hashable, Sendable {
    struct Name: Decodable, Hashable, Sendable {
      var name: String
    }

    struct Value: Decodable, Hashable, Sendable {
      var averageUtilization: Double?
      var averageValue: Quantity?
      var value: Quantity?
    }

    struct Source: Decodable, Hashable, Sendable {
      var name: String?
      var metric: Name?
      var target: Value?
      var current: Value?
    }

    var type: String
    var resource: Source?
    var containerResource: Source?
    var pods: Source?
    var object: Source?
    var external: Source?

    var source: Source? { resource ?? containerResource ?? pods ?? object ?? external }
    var name: String { source?.metric?.name ?? source?.name ?? type }
  }

  /// What it says.
  var autoscaler: Autoscaler {
    let currents = status?.currentMetrics ?? []
    let current = max(0, status?.currentReplicas ?? 0)
    let metrics = (spec.metrics ?? []).compactMap { figure -> Autoscaler.Metric? in
      guard let target = figure.source?.target else { return nil }
      let now = currents.first { $0.type == figure.type && $0.name == figure.name }?.source?.current
      func metric(_ target: Double?, _ current: Double?, isPerPod: Bool) -> Autoscaler.Metric? {
        target.map { Autoscaler.Metric(name: figure.name, current: current, target: $0, isPerPod: isPerPod) }
      }
      return metric(target.averageUtilization, now?.averageUtilization, isPerPod: true)
        ?? metric(Self.amount(target.averageValue), Self.amount(now?.averageValue), isPerPod: true)
        ?? metric(Self.amount(target.value), Self.amount(now?.value), isPerPod: false)
    }
    return Autoscaler(
      name: metadata.name, current: current, desired: max(0, status?.desiredReplicas ?? current),
      most: spec.maxReplicas, metrics: metrics)
  }

  private static func amount(_ quantity: Quantity?) -> Double? { quantity.map { Double($0.milliValue) / 1000 } }

  /// What it scales, being of a namespace.
  func target(in namespace: String) -> ScaleTarget {
    let target = spec.scaleTargetRef
    return ScaleTarget(namespace: namespace, kind: .init(target.kind), name: target.name)
  }
}
