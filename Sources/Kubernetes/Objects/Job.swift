/// A Job.
package struct Job: Codable, Hashable, Sendable {
  /// Name, labels and the CronJob that it may belong to.
  package var metadata: ObjectMeta
  /// What is wanted.
  package var spec: JobSpec
  /// How far it is.
  package var status: JobStatus?

  /// How many pods the Job keeps running: its parallelism, no more than are still to complete; none while it is
  /// suspended or after it has ended.
  package var runningPods: Int {
    let hasEnded = status?.conditions?.contains { ["Complete", "Failed"].contains($0.type) && $0.status == "True" }
    if spec.suspend == true || hasEnded == true { return 0 }
    let parallelism = max(0, Int(spec.parallelism ?? 1))
    guard let completions = spec.completions ?? (spec.parallelism == nil ? 1 : nil) else { return parallelism }
    return max(0, min(parallelism, Int(clamping: completions) - Int(status?.succeeded ?? 0)))
  }
}

/// What a Job is to do.
package struct JobSpec: Codable, Hashable, Sendable {
  /// How many pods run at a time; nil means 1.
  package var parallelism: Int32?
  /// How many pods must succeed; nil means that one success ends the Job.
  package var completions: Int32?
  /// Whether the Job is held back.
  package var suspend: Bool?
  /// What the pods are made from.
  package var template: PodTemplate
}

/// How far a Job is.
package struct JobStatus: Codable, Hashable, Sendable {
  /// How many pods have succeeded.
  package var succeeded: Int32?
  /// Conditions, such as `Complete`.
  package var conditions: [Condition]?
}
