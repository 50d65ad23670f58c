/// A StatefulSet.
package struct StatefulSet: Codable, Hashable, Sendable {
  /// Name and labels.
  package var metadata: ObjectMeta
  /// What is wanted.
  package var spec: StatefulSetSpec
  /// How far it is.
  package var status: StatefulSetStatus?
}

/// How far a StatefulSet is.
package struct StatefulSetStatus: Codable, Hashable, Sendable {
  /// The label `controller-revision-hash` of the pods that are made from the template as it is now.
  package var updateRevision: String?
}

/// What a StatefulSet is to be.
package struct StatefulSetSpec: Codable, Hashable, Sendable {
  /// How many pods; nil means 1.
  package var replicas: Int32?
  /// What the pods are made from.
  package var template: PodTemplate
  /// The claims that each pod gets one of its own for, named `<template>-<set>-<ordinal>`.
  package var volumeClaimTemplates: [ClaimTemplate]?
  /// The numbers of the pods.
  package var ordinals: Ordinals?

  /// A claim that each pod gets.
  package struct ClaimTemplate: Codable, Hashable, Sendable {
    /// The first part of the claims' names.
    package var metadata: ObjectMeta
    /// What it claims.
    package var spec: PersistentVolumeClaimSpec?
  }

  /// The numbers of the pods.
  package struct Ordinals: Codable, Hashable, Sendable {
    /// The first number; nil means 0.
    package var start: Int32?
  }
}
