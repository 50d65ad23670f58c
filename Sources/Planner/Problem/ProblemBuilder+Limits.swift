import Kubernetes
import Placement

/// Which nodes a workload may run on, by the node alone.
extension ProblemBuilder {
  /// Takes nodes away from a workload.
  mutating func exclude(_ w: Int, _ phrase: String, where isExcluded: (Int) -> Bool) {
    var count = 0
    for n in nodes.indices where isExcluded(n) {
      if limits[w][n] != 0 { limits[w][n] = 0 }
      count += 1
    }
    if count > 0 { restrictions[w].append(ClusterProblem.Restriction(phrase: phrase, excluded: count)) }
  }

  /// Lets each of some nodes hold at most so many replicas.
  mutating func limit(_ w: Int, to count: Int, where isLimited: (Int) -> Bool = { _ in true }) {
    for n in nodes.indices where Int(limits[w][n]) > count && isLimited(n) { limits[w][n] = Int32(clamping: count) }
  }

  mutating func limitToFittingNodes() {
    var known: [NodeDemands: Int] = [:]
    for (w, workload) in planned.enumerated() {
      let spec = workload.spec
      let demands = NodeDemands(spec)
      if let other = known[demands] {
        limits.append(limits[other])
        restrictions.append(restrictions[other])
        continue
      }
      known[demands] = w
      limits.append(Array(repeating: .max, count: nodes.count))
      restrictions.append([])
      exclude(w, "that are ready", where: unready.contains)
      if !demands.nodeName.isEmpty {
        exclude(w, "named \(demands.nodeName)") { [nodes] in nodes[$0].metadata.name != demands.nodeName }
      }
      if !demands.nodeSelector.isEmpty {
        let labels = demands.nodeSelector.map { "\($0.key)=\($0.value)" }.sorted()
        exclude(w, "labelled \(labels.joined(separator: ", "))") { [nodes] n in
          demands.nodeSelector.contains { nodes[n].labels[$0.key] != $0.value }
        }
      }
      if let required = demands.required {
        exclude(w, required.phrase) { [nodes] in !required.matches(nodes[$0]) }
      }
      exclude(w, "whose taints it tolerates") { [nodes] in !spec.toleratesTaints(of: nodes[$0]) }
    }
  }

  /// Workloads with the same limits share a row.
  mutating func shareLimitRows() {
    let shared = limits.distinct()
    problem.limitRows = shared.rows
    for w in planned.indices { problem.workloads[w].limitRow = shared.index[w] }
  }
}

/// What of a spec decides on which nodes its pods may run; workloads that agree on it are alike in that.
struct NodeDemands: Hashable {
  var nodeSelector: [String: String]
  var required: NodeSelector?
  var tolerations: [Toleration]
  var nodeName: String

  init(_ spec: PodSpec) {
    nodeSelector = spec.nodeSelector ?? [:]
    required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
    tolerations = spec.tolerations ?? []
    nodeName = spec.nodeName ?? ""
  }
}

extension NodeSelector {
  /// The nodes it selects, in words.
  fileprivate var phrase: String {
    let terms = (nodeSelectorTerms ?? []).map { term in
      let labels = (term.matchExpressions ?? []).map(\.phrase).joined(separator: ", ")
      let names = (term.matchFields ?? []).map(\.phrase).joined(separator: ", ")
      return [labels.isEmpty ? "" : "labelled \(labels)", names.isEmpty ? "" : "with \(names)"]
        .filter { !$0.isEmpty }.joined(separator: " and ")
    }
    return terms.filter { !$0.isEmpty }.joined(separator: " or ")
  }
}

extension NodeSelectorRequirement {
  fileprivate var phrase: String {
    let values = values ?? []
    let list = "(\(values.joined(separator: ", ")))"
    return switch self.operator {
    case .in: values.count == 1 ? "\(key)=\(values[0])" : "\(key) in \(list)"
    case .notIn: values.count == 1 ? "\(key)≠\(values[0])" : "\(key) not in \(list)"
    case .exists: key
    case .doesNotExist: "not \(key)"
    case .greaterThan: "\(key) > \(values.joined())"
    case .lessThan: "\(key) < \(values.joined())"
    }
  }
}
