import Formats
package import Kubernetes
import Model

/// A pod, as far as the extender needs to know it.
package struct RequestedPod: Hashable, Sendable {
  /// The annotation that names the workload of a pod, `name` or `namespace/name`. It counts only where the namespace is the
  /// pod's own: who may make pods in one namespace has no say in the places that a plan keeps for another's.
  package static let workloadAnnotation = "tonari.dev/workload"

  /// The name.
  package var name = ""
  /// The namespace.
  package var namespace = "default"
  /// The identity that the API server gave the pod.
  package var uid = ""
  /// What ``workloadAnnotation`` says; nil where the pod does not have it.
  package var annotation: String?
  /// Kind and name of the owner that controls the pod; nil for a bare pod.
  package var owner: Owner?
  /// The label `pod-template-hash`.
  package var templateHash: String?
  /// The label `controller-revision-hash`.
  package var revisionHash: String?

  /// An owner of a pod.
  package struct Owner: Hashable, Sendable {
    /// Its kind.
    package var kind: String
    /// Its name.
    package var name: String

    /// Makes an owner.
    package init(kind: String, name: String) {
      self.kind = kind
      self.name = name
    }
  }

  /// Makes a pod without owner, labels and annotations.
  package init(name: String = "", namespace: String = "default", uid: String = "") {
    self.name = name
    self.namespace = namespace
    self.uid = uid
  }

  /// The workload that the annotation names; nil where there is none, or it names none of the pod's own namespace.
  private var annotatedWorkload: WorkloadName? {
    guard let annotation else { return nil }
    let name = WorkloadName(annotation.contains("/") ? annotation : "\(namespace)/\(annotation)")
    guard let name, name.namespace == namespace, name.name.utf8.count <= RequestLimits.name else { return nil }
    return name
  }

  /// Why the annotation counts for nothing; nil where it counts, or there is none.
  var annotationFault: String? {
    guard let annotation, annotatedWorkload == nil else { return nil }
    return
      "metadata.annotations[\(Self.workloadAnnotation)]: found '\(annotation.prefix(253))', expected a workload of "
      + "namespace \(namespace), as name or \(namespace)/name; the pod counts for its owner"
  }

  /// The workload that the pod is a replica of: the annotation's where that is in the pod's own namespace, else its
  /// owner's; nil for a bare pod.
  package func identity(_ owners: WorkloadOwners) -> ReplicaIdentity? {
    let revision = templateHash ?? revisionHash ?? ""
    if let name = annotatedWorkload { return ReplicaIdentity(.name(name), revision: revision) }
    return owner.map { owner in
      let workload = owners.workload(
        ofPodIn: namespace, ownerKind: owner.kind, ownerName: owner.name, templateHash: templateHash)
      return ReplicaIdentity(.reference(workload), revision: revision)
    }
  }
}

extension RequestedPod {
  /// Reads a pod object, which `scanner` is at, and passes it.
  init(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Fault) {
    self.init()
    try scanner.readFields(depth: depth) { scanner, key throws(JSONScanner.Fault) in
      guard scanner.isKey(key, "metadata") else { return try scanner.skipValue(depth: depth + 1) }
      try self.readMetadata(&scanner, depth: depth + 1)
    }
  }

  private mutating func readMetadata(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Fault) {
    try scanner.readFields(depth: depth) { scanner, key throws(JSONScanner.Fault) in
      if scanner.isKey(key, "name") {
        name = try scanner.readString(atMost: RequestLimits.name) ?? ""
      } else if scanner.isKey(key, "namespace") {
        namespace = try scanner.readString(atMost: RequestLimits.name) ?? "default"
      } else if scanner.isKey(key, "uid") {
        uid = try scanner.readString(atMost: RequestLimits.uid) ?? ""
      } else if scanner.isKey(key, "labels") {
        try scanner.readFields(depth: depth + 1) { scanner, label throws(JSONScanner.Fault) in
          if scanner.isKey(label, "pod-template-hash") {
            templateHash = try scanner.readString(atMost: RequestLimits.label)
          } else if scanner.isKey(label, "controller-revision-hash") {
            revisionHash = try scanner.readString(atMost: RequestLimits.label)
          } else {
            try scanner.skipValue(depth: depth + 2)
          }
        }
      } else if scanner.isKey(key, "annotations") {
        try scanner.readFields(depth: depth + 1) { scanner, name throws(JSONScanner.Fault) in
          guard scanner.isKey(name, "tonari.dev/workload") else { return try scanner.skipValue(depth: depth + 2) }
          annotation = try scanner.readString(cutTo: RequestLimits.annotation)
        }
      } else if scanner.isKey(key, "ownerreferences") {
        try scanner.readElements(depth: depth + 1) { scanner throws(JSONScanner.Fault) in
          try self.readOwner(&scanner, depth: depth + 2)
        }
      } else {
        try scanner.skipValue(depth: depth + 1)
      }
    }
  }

  private mutating func readOwner(_ scanner: inout JSONScanner, depth: Int) throws(JSONScanner.Fault) {
    var owner = Owner(kind: "", name: "")
    var isController = false
    try scanner.readFields(depth: depth) { scanner, key throws(JSONScanner.Fault) in
      if scanner.isKey(key, "kind") {
        owner.kind = try scanner.readString(cutTo: RequestLimits.label + 1) ?? ""
      } else if scanner.isKey(key, "name") {
        owner.name = try scanner.readString(cutTo: RequestLimits.name + 1) ?? ""
      } else if scanner.isKey(key, "controller") {
        isController = try scanner.readFlag()
      } else {
        try scanner.skipValue(depth: depth + 1)
      }
    }
    // API servers do not look at how long these are.
    let isPossible = owner.kind.utf8.count <= RequestLimits.label && owner.name.utf8.count <= RequestLimits.name
    if isController, isPossible { self.owner = owner }
  }
}
