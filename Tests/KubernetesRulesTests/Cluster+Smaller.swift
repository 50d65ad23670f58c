/// The cluster with one thing less: what a search for the smallest cluster on which two answers differ tries.
extension Cluster {
  var smaller: [Cluster] {
    var all: [Cluster] = []
    func changed(_ change: (inout Cluster) -> Void) {
      var cluster = self
      change(&cluster)
      if cluster != self { all.append(cluster) }
    }
    if workloads.count > 1 { for w in workloads.indices { changed { $0.remove(workload: w) } } }
    for index in others.indices { changed { $0.others.remove(at: index) } }
    if nodes.count > 1 { for index in nodes.indices { changed { $0.remove(node: index) } } }
    changed { $0.conversations = [] }
    for index in conversations.indices { changed { $0.conversations.remove(at: index) } }
    changed { $0.maxMoves = nil }
    changed { $0.moveCost = 0 }
    changed { $0.lambda = 0 }
    for index in volumes.indices {
      changed { $0.volumes.remove(at: index) }
      changed { $0.volumes[index].zone = nil }
      changed { $0.volumes[index].zonesOfClass = nil }
      changed { $0.volumes[index].isForOnePod = false }
    }
    for index in daemonSets.indices {
      changed { $0.daemonSets.remove(at: index) }
      changed { $0.daemonSets[index].nodes = [] }
      for spec in daemonSets[index].spec.smaller { changed { $0.daemonSets[index].spec = spec } }
    }
    for w in workloads.indices {
      changed { if $0.workloads[w].replicas > 1 { $0.workloads[w].replicas -= 1 } }
      changed { $0.workloads[w].pods = [] }
      changed { $0.workloads[w].leaving = [] }
      for index in workloads[w].pods.indices { changed { $0.workloads[w].pods.remove(at: index) } }
      changed {
        $0.workloads[w].kind = "Deployment"
        $0.workloads[w].claimTemplates = []
      }
      changed { $0.workloads[w].claimTemplates = [] }
      changed { $0.workloads[w].labels["tier"] = nil }
      for spec in workloads[w].spec.smaller { changed { $0.workloads[w].spec = spec } }
    }
    for index in others.indices {
      changed { $0.others[index].owner = nil }
      changed { $0.others[index].isTerminating = false }
      changed { $0.others[index].labels["tier"] = nil }
      for spec in others[index].spec.smaller { changed { $0.others[index].spec = spec } }
    }
    for index in nodes.indices {
      changed { $0.nodes[index].taints = [] }
      changed { $0.nodes[index].isCordoned = false }
      changed { $0.nodes[index].isReady = true }
      for key in nodes[index].labels.keys where key != ClusterGenerator.host {
        changed { $0.nodes[index].labels[key] = nil }
      }
      for (resource, ample) in ["cpu": 8000, "memory": 16384, "pods": 110] {
        changed { $0.nodes[index].room[resource] = ample }
      }
      changed { $0.nodes[index].room["example.com/gpu"] = nil }
    }
    return all
  }

  private mutating func remove(workload w: Int) {
    workloads.remove(at: w)
    conversations = conversations.compactMap { conversation in
      guard conversation.source != w, conversation.destination != w else { return nil }
      var conversation = conversation
      if conversation.source > w { conversation.source -= 1 }
      if conversation.destination > w { conversation.destination -= 1 }
      return conversation
    }
  }

  private mutating func remove(node index: Int) {
    let name = nodes.remove(at: index).name
    others.removeAll { $0.node == name }
    for w in workloads.indices {
      workloads[w].pods.removeAll { $0 == name }
      workloads[w].leaving.removeAll { $0 == name }
    }
    for index in daemonSets.indices { daemonSets[index].nodes.removeAll { $0 == name } }
  }
}

extension Cluster.PodSpec {
  fileprivate var smaller: [Self] {
    var all: [Self] = []
    func changed(_ change: (inout Self) -> Void) {
      var spec = self
      change(&spec)
      if spec != self { all.append(spec) }
    }
    changed { $0 = Self() }
    changed { $0.nodeSelector = [:] }
    changed { $0.nodeTerms = nil }
    changed { $0.tolerations = [] }
    changed { $0.containers = [Cluster.Container()] }
    if containers.count > 1 { for index in containers.indices { changed { $0.containers.remove(at: index) } } }
    for index in containers.indices {
      changed { $0.containers[index].limits = [:] }
      changed { $0.containers[index].ports = [] }
      for resource in containers[index].requests.keys { changed { $0.containers[index].requests[resource] = nil } }
    }
    changed { $0.initContainers = [] }
    for index in initContainers.indices { changed { $0.initContainers.remove(at: index) } }
    changed { $0.overhead = [:] }
    for index in affinity.indices { changed { $0.affinity.remove(at: index) } }
    for index in antiAffinity.indices { changed { $0.antiAffinity.remove(at: index) } }
    for index in spreads.indices {
      changed { $0.spreads.remove(at: index) }
      changed { $0.spreads[index].minDomains = nil }
      changed { $0.spreads[index].nodeAffinityPolicy = nil }
      changed { $0.spreads[index].nodeTaintsPolicy = nil }
      changed { $0.spreads[index].matchKeys = [] }
    }
    for index in affinity.indices { changed { $0.affinity[index].simplify() } }
    for index in antiAffinity.indices { changed { $0.antiAffinity[index].simplify() } }
    changed { $0.usesHostNetwork = false }
    changed { $0.claims = [] }
    return all
  }
}

extension Cluster.Term {
  fileprivate mutating func simplify() {
    namespaces = []
    namespaceSelector = nil
    matchKeys = []
    mismatchKeys = []
  }
}
