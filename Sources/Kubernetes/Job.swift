/// A Job.
public struct Job: Codable, Hashable, Sendable {
  /// Name, labels and the CronJob that it may belong to.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: JobSpec
  /// How far it is.
  public var status: JobStatus?

  /// How many pods the Job keeps running: its parallelism, no more than are still to complete; none while it is
  /// suspended or after it has ended.
  public var runningPods: Int {
    let hasEnded = status?.conditions?.contains { ["Complete", "Failed"].contains($0.type) && $0.status == "True" }
    if spec.suspend == true || hasEnded == true { return 0 }
    let parallelism = max(0, Int(spec.parallelism ?? 1))
    guard let completions = spec.completions ?? (spec.parallelism == nil ? 1 : nil) else { return parallelism }
    return max(0, min(parallelism, Int(clamping: completions) - Int(status?.succeeded ?? 0)))
  }
}

/// What a Job is to do.
public struct JobSpec: Codable, Hashable, Sendable {
  /// How many pods run at a time; nil means 1.
  public var parallelism: Int32?
  /// How many pods must succeed; nil means that one success ends the Job.
  public var completions: Int32?
  /// Whether the Job is held back.
  public var suspend: Bool?
  /// What the pods are made from.
  public var template: PodTemplate
}

/// How far a Job is.
public struct JobStatus: Codable, Hashable, Sendable {
  /// How many pods have succeeded.
  public var succeeded: Int32?
  /// Conditions, such as `Complete`.
  public var conditions: [Condition]?
}
