/// A StatefulSet.
public struct StatefulSet: Codable, Hashable, Sendable {
  /// Name and labels.
  public var metadata: ObjectMeta
  /// What is wanted.
  public var spec: StatefulSetSpec
  /// How far it is.
  public var status: StatefulSetStatus?
}

/// How far a StatefulSet is.
public struct StatefulSetStatus: Codable, Hashable, Sendable {
  /// The label `controller-revision-hash` of the pods that are made from the template as it is now.
  public var updateRevision: String?
}

/// What a StatefulSet is to be.
public struct StatefulSetSpec: Codable, Hashable, Sendable {
  /// How many pods; nil means 1.
  public var replicas: Int32?
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
    /// What it claims.
    public var spec: PersistentVolumeClaimSpec?
  }

  /// The numbers of the pods.
  public struct Ordinals: Codable, Hashable, Sendable {
    /// The first number; nil means 0.
    public var start: Int32?
  }
}
