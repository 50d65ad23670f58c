/// A pod.
package struct Pod: Codable, Hashable, Sendable {
  /// Name, labels and owner.
  package var metadata: ObjectMeta
  /// What it runs and where it may.
  package var spec: PodSpec
  /// How it is.
  package var status: PodStatus?

  /// Whether all its containers have ended for good: it uses nothing any more.
  package var isFinished: Bool { status?.phase == "Succeeded" || status?.phase == "Failed" }
}

extension Pod {
  /// Whether it was asked to go away. Until it has, it takes its room, and keeps others away.
  package var isTerminating: Bool { metadata.deletionTimestamp != nil }

  /// The one node that a pod of a DaemonSet is for, by its node affinity; nil for other pods.
  package var targetNode: String? {
    let required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    let names = (required?.nodeSelectorTerms ?? []).map { term in
      term.matchFields?.first { $0.key == "metadata.name" && $0.operator == .in }?.values ?? []
    }
    guard let name = names.first?.first, names.allSatisfy({ $0 == [name] }) else { return nil }
    return name
  }
}

/// How a pod is.
package struct PodStatus: Codable, Hashable, Sendable {
  /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
  package var phase: String?
  /// The address; nil for a pod that has not started.
  package var podIP: String?
  /// That address and the one of the other family.
  package var podIPs: [PodIP]?
  /// What containers were given, where a resize in place has changed it.
  package var containerStatuses: [ContainerStatus]?
  /// The same of the init containers.
  package var initContainerStatuses: [ContainerStatus]?
  /// What the pod as a whole has.
  package var resources: ResourceRequirements?
  /// What the kubelet has set aside for the pod as a whole.
  package var allocatedResources: [String: Quantity]?
  /// How a resize stands, `PodResizePending`; other conditions change often and mean nothing here.
  package var conditions: [Condition]?

  /// An address of a pod.
  package struct PodIP: Codable, Hashable, Sendable {
    /// The address.
    package var ip: String?
  }

  /// All addresses.
  package var addresses: [String] { podIPs?.compactMap(\.ip) ?? podIP.map { [$0] } ?? [] }

  /// Reads a status.
  package init(from decoder: any Decoder) throws {
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
package struct ContainerStatus: Codable, Hashable, Sendable {
  /// The container's name.
  package var name: String?
  /// What the kubelet has set aside for it.
  package var allocatedResources: [String: Quantity]?
  /// What it has.
  package var resources: ResourceRequirements?
}

/// What a controller makes its pods from.
package struct PodTemplate: Codable, Hashable, Sendable {
  /// Labels and annotations of the pods.
  package var metadata: TemplateMeta?
  /// What they run and where they may.
  package var spec: PodSpec

  /// Makes a template.
  package init(metadata: TemplateMeta? = nil, spec: PodSpec) {
    self.metadata = metadata
    self.spec = spec
  }

  /// The labels of the pods; empty where there are none.
  package var labels: [String: String] { metadata?.labels ?? [:] }
}

/// What a pod runs, and where it may: the fields that matter for scheduling.
package struct PodSpec: Codable, Hashable, Sendable {
  /// The containers that run side by side.
  package var containers: [Container]?
  /// The containers that run before, one after the other; those with `restartPolicy: Always` go on running (sidecars).
  package var initContainers: [Container]?
  /// What the pod uses on top of its containers.
  package var overhead: [String: Quantity]?
  /// Requests and limits of the pod as a whole.
  package var resources: ResourceRequirements?
  /// The node where the pod runs; nil for one that is not scheduled yet.
  package var nodeName: String?
  /// Labels that the node must have.
  package var nodeSelector: [String: String]?
  /// Where the pod may and would like to run.
  package var affinity: Affinity?
  /// The taints that the pod allows for.
  package var tolerations: [Toleration]?
  /// How evenly the pod and its like must be spread.
  package var topologySpreadConstraints: [TopologySpreadConstraint]?
  /// The volumes.
  package var volumes: [Volume]?
  /// Whether the pod uses the node's network; its container ports are host ports then.
  package var hostNetwork: Bool?
  /// The runtime class, which may add overhead and restrict nodes.
  package var runtimeClassName: String?
  /// Claims of devices (dynamic resource allocation).
  package var resourceClaims: [ResourceClaim]?

  /// A claim of a device; only that it is there matters.
  package struct ResourceClaim: Codable, Hashable, Sendable {
    /// The claim's name within the pod.
    package var name: String?
  }
}

/// A container of a pod.
package struct Container: Codable, Hashable, Sendable {
  /// The name.
  package var name: String?
  /// What it requests.
  package var resources: ResourceRequirements?
  /// The ports.
  package var ports: [ContainerPort]?
  /// For an init container, `Always` makes it a sidecar.
  package var restartPolicy: String?
}

/// How much of each resource is asked for, by resource name.
package struct ResourceRequirements: Codable, Hashable, Sendable {
  /// What must be free on the node.
  package var requests: [String: Quantity]?
  /// What is not to be exceeded; also the request where there is none.
  package var limits: [String: Quantity]?
}

/// A port of a container.
package struct ContainerPort: Codable, Hashable, Sendable {
  /// The port in the pod.
  package var containerPort: Int32?
  /// The port on the node; nil or 0 for none.
  package var hostPort: Int32?
  /// The node's address that the port is bound to; nil or empty for all.
  package var hostIP: String?
  /// `TCP` (also where nil), `UDP` or `SCTP`.
  package var `protocol`: String?
}

/// A volume of a pod.
package struct Volume: Codable, Hashable, Sendable {
  /// The volume's name within the pod.
  package var name: String?
  /// The claim that it stands for.
  package var persistentVolumeClaim: ClaimSource?
  /// What a claim of the pod's own is made from, which lives as long as the pod.
  package var ephemeral: EphemeralSource?

  /// Names a claim in the pod's namespace.
  package struct ClaimSource: Codable, Hashable, Sendable {
    /// The claim's name.
    package var claimName: String
  }

  /// Has a claim made for each pod.
  package struct EphemeralSource: Codable, Hashable, Sendable {
    /// What the claim is made from.
    package var volumeClaimTemplate: ClaimTemplate?
  }

  /// What a claim is made from.
  package struct ClaimTemplate: Codable, Hashable, Sendable {
    /// What it claims.
    package var spec: PersistentVolumeClaimSpec?
  }
}
