import Model

/// An autoscaler that adds and removes pods of a service, as it says of itself: a HorizontalPodAutoscaler, KEDA's too.
public struct Autoscaler: Hashable, Sendable {
  /// One of the figures that it scales by.
  public struct Metric: Hashable, Sendable {
    /// Its name, such as `cpu`.
    public var name: String
    /// What it is for each pod, or at all, in its own unit; nil where that is not known.
    public var current: Double?
    /// What it is to be.
    public var target: Double
    /// Whether ``target`` is for each pod.
    public var isPerPod: Bool

    /// Makes a figure.
    public init(name: String, current: Double?, target: Double, isPerPod: Bool = true) {
      self.name = name
      self.current = current
      self.target = target
      self.isPerPod = isPerPod
    }
  }

  /// Its name.
  public var name: String
  /// The pods that there are.
  public var current: Int
  /// The pods that it wants.
  public var desired: Int
  /// The most pods that it makes.
  public var most: Int
  /// What it scales by.
  public var metrics: [Metric]

  /// Makes an autoscaler.
  public init(name: String, current: Int, desired: Int, most: Int, metrics: [Metric]) {
    self.name = name
    self.current = current
    self.desired = desired
    self.most = most
    self.metrics = metrics
  }

  /// Figures within so much of their targets change nothing (kube-controller-manager's
  /// `--horizontal-pod-autoscaler-tolerance`).
  public static let tolerance = 0.1

  /// The pods that a Kubernetes autoscaler asks for by its figures: `⌈pods · current / target⌉` of the one that asks for
  /// most, and no change within the tolerance.
  public func wanted() -> Int {
    let wanted = metrics.compactMap { metric -> Int? in
      guard let value = metric.current, metric.target > 0, value.isFinite, value >= 0 else { return nil }
      let ratio = value / metric.target
      guard abs(ratio - 1) > Self.tolerance else { return current }
      return Int(saturating: (Double(current) * ratio).rounded(.up))
    }
    return min(most, max(1, wanted.max() ?? current))
  }
}
