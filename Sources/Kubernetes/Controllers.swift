/// A Deployment.
public struct Deployment: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: ReplicatedSpec
}

/// A StatefulSet.
public struct StatefulSet: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: StatefulSetSpec
}

/// A ReplicaSet.
public struct ReplicaSet: Codable, Hashable, Sendable {
  /// Name, labels and the Deployment that it belongs to.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: ReplicatedSpec
}

/// Replicas of a pod template; the spec of a Deployment and of a ReplicaSet.
public struct ReplicatedSpec: Codable, Hashable, Sendable {
  /// How many pods; nil means 1.
  public var replicas: Int?
  /// What the pods are made from.
  public var template: PodTemplate
}

/// What a StatefulSet is to be.
public struct StatefulSetSpec: Codable, Hashable, Sendable {
  /// How many pods; nil means 1.
  public var replicas: Int?
  /// What the pods are made from.
  public var template: PodTemplate
  /// The claims that each pod gets one of its own for, named `<template>-<set>-<ordinal>`.
  public var volumeClaimTemplates: [ClaimTemplate]?
  /// The numbers of the pods.
  public var ordinals: Ordinals?

  /// A claim that each pod gets.
  public struct ClaimTemplate: Codable, Hashable, Sendable {
    /// The first part of the claims' names.
    public var metadata: ObjectMeta
  }

  /// The numbers of the pods.
  public struct Ordinals: Codable, Hashable, Sendable {
    /// The first number; nil means 0.
    public var start: Int?
  }
}

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
    let parallelism = max(0, spec.parallelism ?? 1)
    guard let completions = spec.completions ?? (spec.parallelism == nil ? 1 : nil) else { return parallelism }
    return max(0, min(parallelism, completions - (status?.succeeded ?? 0)))
  }
}

/// What a Job is to do.
public struct JobSpec: Codable, Hashable, Sendable {
  /// How many pods run at a time; nil means 1.
  public var parallelism: Int?
  /// How many pods must succeed; nil means that one success ends the Job.
  public var completions: Int?
  /// Whether the Job is held back.
  public var suspend: Bool?
  /// What the pods are made from.
  public var template: PodTemplate
}

/// How far a Job is.
public struct JobStatus: Codable, Hashable, Sendable {
  /// How many pods have succeeded.
  public var succeeded: Int?
  /// Conditions, such as `Complete`.
  public var conditions: [Condition]?
}

/// A DaemonSet.
public struct DaemonSet: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: DaemonSetSpec
}

/// What a DaemonSet is to be.
public struct DaemonSetSpec: Codable, Hashable, Sendable {
  /// What the pods are made from.
  public var template: PodTemplate
}

extension DaemonSet {
  /// The spec of its pods: the template's, with the tolerations that the DaemonSet controller adds.
  public var podSpec: PodSpec {
    var spec = spec.template.spec
    var keys = ["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map { ($0, "NoSchedule") }
    keys += [("not-ready", "NoExecute"), ("unreachable", "NoExecute")]
    if spec.hostNetwork == true { keys.append(("network-unavailable", "NoSchedule")) }
    spec.tolerations =
      (spec.tolerations ?? [])
      + keys.map { key, effect in
        Toleration(key: "node.kubernetes.io/\(key)", operator: "Exists", effect: effect)
      }
    return spec
  }
}
