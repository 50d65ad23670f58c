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

extension Pod {
  /// Whether it was asked to go away. Until it has, it takes its room, and keeps others away.
  public var isTerminating: Bool { metadata.deletionTimestamp != nil }

  /// The one node that a pod of a DaemonSet is for, by its node affinity; nil for other pods.
  public var targetNode: String? {
    let required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    let names = (required?.nodeSelectorTerms ?? []).map { term in
      term.matchFields?.first { $0.key == "metadata.name" && $0.operator == .in }?.values ?? []
    }
    guard let name = names.first?.first, names.allSatisfy({ $0 == [name] }) else { return nil }
    return name
  }
}

/// How a pod is.
public struct PodStatus: Codable, Hashable, Sendable {
  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  public var phase: String?
  /// The address; nil for a pod that has not started.
  public var podIP: String?
  /// That address and the one of the other family.
  public var podIPs: [PodIP]?
  /// What containers were given, where a resize in place has changed it.
  public var containerStatuses: [ContainerStatus]?
  /// The same of the init containers.
  public var initContainerStatuses: [ContainerStatus]?
  /// What the pod as a whole has.
  public var resources: ResourceRequirements?
  /// What the kubelet has set aside for the pod as a whole.
  public var allocatedResources: [String: Quantity]?
  /// How a resize stands, `PodResizePending`; other conditions change often and mean nothing here.
  public var conditions: [Condition]?

  /// An address of a pod.
  public struct PodIP: Codable, Hashable, Sendable {
    /// The address.
    public var ip: String?
  }

  /// All addresses.
  public var addresses: [String] { podIPs?.compactMap(\.ip) ?? podIP.map { [$0] } ?? [] }

  /// Reads a status.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    phase = try container.decodeIfPresent(String.self, forKey: .phase)
    podIP = try container.decodeIfPresent(String.self, forKey: .podIP)
    podIPs = try container.decodeIfPresent([PodIP].self, forKey: .podIPs)
    containerStatuses = try container.decodeIfPresent([ContainerStatus].self, forKey: .containerStatuses)
    initContainerStatuses = try container.decodeIfPresent([ContainerStatus].self, forKey: .initContainerStatuses)
    resources = try container.decodeIfPresent(ResourceRequirements.self, forKey: .resources)
    allocatedResources = try container.decodeIfPresent([String: Quantity].self, forKey: .allocatedResources)
    conditions = try container.decodeIfPresent([Condition].self, forKey: .conditions)?
      .filter { $0.type == Self.resizePending }
  }

  private static let resizePending = "PodResizePending"

  /// Whether what the spec asks for can never be had on the node, so that it does not count.
  var isResizeInfeasible: Bool {
    conditions?.first { $0.type == Self.resizePending }?.reason == "Infeasible"
  }

  /// What is known of a container, by its name.
  func container(_ name: String?) -> ContainerStatus? {
    guard let name else { return nil }
    return containerStatuses?.first { $0.name == name } ?? initContainerStatuses?.first { $0.name == name }
  }
}

/// What a container was given.
public struct ContainerStatus: Codable, Hashable, Sendable {
  /// The container's name.
  public var name: String?
  /// What the kubelet has set aside for it.
  public var allocatedResources: [String: Quantity]?
  /// What it has.
  public var resources: ResourceRequirements?
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
  /// What a claim of the pod's own is made from, which lives as long as the pod.
  public var ephemeral: EphemeralSource?

  /// Names a claim in the pod's namespace.
  public struct ClaimSource: Codable, Hashable, Sendable {
    /// The claim's name.
    public var claimName: String
  }

  /// Has a claim made for each pod.
  public struct EphemeralSource: Codable, Hashable, Sendable {
    /// What the claim is made from.
    public var volumeClaimTemplate: ClaimTemplate?
  }

  /// What a claim is made from.
  public struct ClaimTemplate: Codable, Hashable, Sendable {
    /// What it claims.
    public var spec: PersistentVolumeClaimSpec?
  }
}
