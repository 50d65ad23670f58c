import Kubernetes
import Model

/// By which names and addresses the workloads are called.
extension ProblemBuilder {
  /// A Service, with the planned workloads whose pods it selects.
  func service(_ service: Service) -> EndpointResolver.Service {
    let name = service.metadata.fullName
    let selector = service.spec?.selector ?? [:]
    let selected = identityIndex.candidates(selector).filter { w in
      planned[w].name.namespace == name.namespace && selector.allSatisfy { identities[w].labels[$0.key] == $0.value }
    }
    return EndpointResolver.Service(
      name: name,
      workloads: selector.isEmpty ? [] : selected,
      ports: Set((service.spec?.ports ?? []).compactMap { $0.port.map(Int.init) }),
      addresses: service.spec?.addresses ?? [],
      externalName: service.spec?.type == "ExternalName" ? service.spec?.externalName : nil,
      isHeadless: service.spec?.clusterIP == "None"
    )
  }

  /// The pods that have an address now: those of finished pods may be others' by now.
  func runningPods() -> [EndpointResolver.Pod] {
    let owners = WorkloadOwners(snapshot.replicaSets)
    return snapshot.pods.filter { !$0.isFinished }.map { pod in
      let owner = owners.workload(of: pod)
      return EndpointResolver.Pod(
        name: pod.metadata.fullName,
        workload: owner.flatMap { position[$0] },
        owner: owner?.name ?? pod.metadata.fullName,
        addresses: pod.status?.addresses ?? [],
        ports: Set(
          (pod.spec.containers ?? []).flatMap { $0.ports ?? [] }.compactMap { $0.containerPort.map(Int.init) }),
        isOnNodeNetwork: pod.spec.hostNetwork == true
      )
    }
  }
}
