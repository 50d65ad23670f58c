/// A pod.
public struct Pod: Codable, Hashable, Sendable {
  /// Name, labels and owner.
  public var metadata: ObjectMeta
  /// What it runs and where it may.
  public var spec: PodSpec
  /// How it is.
  public var status: PodStatus?

  /// Whether all its containers have ended for good: it uses nothing any more.
  public var isFinished: Bool { status?.phase == "Succeeded" || status?.phase == "Failed" }
}

/// How a pod is.
public struct PodStatus: Codable, Hashable, Sendable {
  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  public var phase: String?
  /// The address; nil for a pod that has not started.
  public var podIP: String?
  /// That address and the one of the other family.
  public var podIPs: [PodIP]?

  /// An address of a pod.
  public struct PodIP: Codable, Hashable, Sendable {
    /// The address.
    public var ip: String?
  }

  /// All addresses.
  public var addresses: [String] { podIPs?.compactMap(\.ip) ?? podIP.map { [$0] } ?? [] }
}

/// What a controller makes its pods from.
public struct PodTemplate: Codable, Hashable, Sendable {
  /// Labels and annotations of the pods.
  public var metadata: TemplateMeta?
  /// What they run and where they may.
  public var spec: PodSpec

  /// Makes a template.
  public init(metadata: TemplateMeta? = nil, spec: PodSpec) {
    self.metadata = metadata
    self.spec = spec
  }

  /// The labels of the pods; empty where there are none.
  public var labels: [String: String] { metadata?.labels ?? [:] }
}

/// What a pod runs, and where it may: the fields that matter for scheduling.
public struct PodSpec: Codable, Hashable, Sendable {
  /// The containers that run side by side.
  public var containers: [Container]?
  /// The containers that run before, one after the other; those with `restartPolicy: Always` go on running (sidecars).
  public var initContainers: [Container]?
  /// What the pod uses on top of its containers.
  public var overhead: [String: Quantity]?
  /// Requests and limits of the pod as a whole.
  public var resources: ResourceRequirements?
  /// The node where the pod runs; nil for one that is not scheduled yet.
  public var nodeName: String?
  /// Labels that the node must have.
  public var nodeSelector: [String: String]?
  /// Where the pod may and would like to run.
  public var affinity: Affinity?
  /// The taints that the pod allows for.
  public var tolerations: [Toleration]?
  /// How evenly the pod and its like must be spread.
  public var topologySpreadConstraints: [TopologySpreadConstraint]?
  /// The volumes.
  public var volumes: [Volume]?
  /// Whether the pod uses the node's network; its container ports are host ports then.
  public var hostNetwork: Bool?
  /// The runtime class, which may add overhead and restrict nodes.
  public var runtimeClassName: String?
  /// Claims of devices (dynamic resource allocation).
  public var resourceClaims: [ResourceClaim]?

  /// A claim of a device; only that it is there matters.
  public struct ResourceClaim: Codable, Hashable, Sendable {
    /// The claim's name within the pod.
    public var name: String?
  }
}

/// A container of a pod.
public struct Container: Codable, Hashable, Sendable {
  /// The name.
  public var name: String?
  /// What it requests.
  public var resources: ResourceRequirements?
  /// The ports.
  public var ports: [ContainerPort]?
  /// For an init container, `Always` makes it a sidecar.
  public var restartPolicy: String?
}

/// How much of each resource is asked for, by resource name.
public struct ResourceRequirements: Codable, Hashable, Sendable {
  /// What must be free on the node.
  public var requests: [String: Quantity]?
  /// What is not to be exceeded; also the request where there is none.
  public var limits: [String: Quantity]?
}

/// A port of a container.
public struct ContainerPort: Codable, Hashable, Sendable {
  /// The port in the pod.
  public var containerPort: Int32?
  /// The port on the node; nil or 0 for none.
  public var hostPort: Int32?
  /// The node's address that the port is bound to; nil or empty for all.
  public var hostIP: String?
  /// `TCP` (also where nil), `UDP` or `SCTP`.
  public var `protocol`: String?
}

/// A volume of a pod.
public struct Volume: Codable, Hashable, Sendable {
  /// The volume's name within the pod.
  public var name: String?
  /// The claim that it stands for.
  public var persistentVolumeClaim: ClaimSource?

  /// Names a claim in the pod's namespace.
  public struct ClaimSource: Codable, Hashable, Sendable {
    /// The claim's name.
    public var claimName: String
  }
}
