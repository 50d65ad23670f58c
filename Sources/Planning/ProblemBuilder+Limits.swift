import Kubernetes
import Placement

/// Which nodes a workload may run on, by the node alone.
extension ProblemBuilder {
  mutating func limitToFittingNodes(_ problem: inout Problem) {
    /// What of a spec decides; workloads that agree on it share a row.
    struct Demands: Hashable {
      var nodeSelector: [String: String]?
      var required: NodeSelector?
      var tolerations: [Toleration]?
      var nodeName: String?
    }
    var rows: [Demands: Int] = [:]
    problem.limitRows = []
    for (w, workload) in planned.enumerated() {
      let spec = workload.spec
      let demands = Demands(
        nodeSelector: spec.nodeSelector,
        required: spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution,
        tolerations: spec.tolerations,
        nodeName: spec.nodeName
      )
      if rows[demands] == nil {
        rows[demands] = problem.limitRows.count
        problem.limitRows.append(
          nodes.map { node in
            let isNamed = spec.nodeName.map { $0.isEmpty || $0 == node.metadata.name } ?? true
            return isNamed && spec.selects(node) && spec.toleratesTaints(of: node) ? .max : 0
          })
      }
      problem.workloads[w].limitRow = rows[demands] ?? 0
    }
  }
}
