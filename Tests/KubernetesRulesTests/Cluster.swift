/// A small cluster in plain words. The planner gets it as the JSON that kubectl prints (``Cluster/json``); the rules read
/// it as it stands here.
struct Cluster: Equatable {
  var nodes: [Node] = []
  var workloads: [Workload] = []
  /// Pods that no plan moves: bare ones, a DaemonSet's, the system's, those on their way out, finished ones.
  var others: [OtherPod] = []
  var daemonSets: [DaemonSet] = []
  var volumes: [Volume] = []
  var conversations: [Conversation] = []
  /// The weight of the peak utilization and what a move costs, both as a share of all traffic; see `tonari plan --help`.
  var lambda = 0.0
  var moveCost = 0.0
  var maxMoves: Int?

  struct Node: Equatable {
    var name: String
    var labels: [String: String]
    var taints: [Taint] = []
    var isCordoned = false
    var isReady = true
    /// What it has for pods: `cpu` in millicores, `memory` in MiB, others in whole units.
    var room: [String: Int]
  }

  struct Taint: Equatable {
    var key: String
    var value: String?
    var effect: String
  }

  struct Toleration: Equatable {
    var key: String?
    var isForAnyValue: Bool
    var value: String?
    var effect: String?
  }

  enum Operator: String, CaseIterable {
    case `in` = "In"
    case notIn = "NotIn"
    case exists = "Exists"
    case doesNotExist = "DoesNotExist"
    case greaterThan = "Gt"
    case lessThan = "Lt"
  }

  struct Requirement: Equatable {
    var key: String
    var `operator`: Operator
    var values: [String] = []
  }

  /// One of the alternatives of a node affinity.
  struct NodeTerm: Equatable {
    var expressions: [Requirement] = []
    var fields: [Requirement] = []
  }

  struct Selector: Equatable {
    var labels: [String: String] = [:]
    var expressions: [Requirement] = []
  }

  struct Container: Equatable {
    var requests: [String: Int] = [:]
    var limits: [String: Int] = [:]
    /// Of an init container: whether it goes on running.
    var isSidecar = false
    var ports: [Port] = []
  }

  struct Port: Equatable {
    var container: Int
    var host: Int?
    var name: String?
    var address: String?
  }

  /// A term of a required pod affinity or anti-affinity.
  struct Term: Equatable {
    var key: String
    var selector: Selector?
    var namespaces: [String] = []
    var namespaceSelector: Selector?
    var matchKeys: [String] = []
    var mismatchKeys: [String] = []
  }

  struct Spread: Equatable {
    var maxSkew: Int
    var key: String
    var isRequired = true
    var selector: Selector?
    var minDomains: Int?
    var nodeAffinityPolicy: String?
    var nodeTaintsPolicy: String?
    var matchKeys: [String] = []
  }

  struct PodSpec: Equatable {
    var nodeSelector: [String: String] = [:]
    /// The required node affinity; nil for none.
    var nodeTerms: [NodeTerm]?
    var tolerations: [Toleration] = []
    var containers: [Container] = [Container()]
    var initContainers: [Container] = []
    var overhead: [String: Int] = [:]
    var affinity: [Term] = []
    var antiAffinity: [Term] = []
    var spreads: [Spread] = []
    var usesHostNetwork = false
    /// Claims that all replicas share.
    var claims: [String] = []
  }

  struct Workload: Equatable {
    var kind: String
    var namespace: String
    var name: String
    var replicas: Int
    var labels: [String: String]
    var spec = PodSpec()
    /// Names of the claims that each replica of a StatefulSet has for itself.
    var claimTemplates: [String] = []
    /// The nodes where replicas run, a pod each; nil for one that waits.
    var pods: [String?] = []
    /// The nodes of replicas that are being deleted, a pod each.
    var leaving: [String] = []

    /// The labels of its pods, with that of their template.
    var podLabels: [String: String] {
      switch kind {
      case "Deployment": labels.merging(["pod-template-hash": revision]) { own, _ in own }
      case "StatefulSet": labels.merging(["controller-revision-hash": revision]) { own, _ in own }
      default: labels
      }
    }

    /// What the labels of its pods say of the template that they are made from; empty where they say nothing.
    var revision: String {
      switch kind {
      case "Deployment": "7c9\(name)"
      case "StatefulSet": "\(name)-6f7"
      default: ""
      }
    }

    /// The claims that one of its pods has for itself.
    func ownClaims(ofReplica ordinal: Int) -> [String] { claimTemplates.map { "\($0)-\(name)-\(ordinal)" } }
  }

  struct OtherPod: Equatable {
    var namespace: String
    var name: String
    var labels: [String: String]
    var spec = PodSpec()
    /// Nil for one that waits.
    var node: String?
    var owner: Owner?
    var isTerminating = false
    var phase = "Running"

    struct Owner: Equatable {
      var kind: String
      var name: String
    }
  }

  struct DaemonSet: Equatable {
    var namespace: String
    var name: String
    var labels: [String: String]
    var spec = PodSpec()
    /// The nodes where it has a pod already.
    var nodes: [String] = []
  }

  /// A claim, and the volume that it is bound to.
  struct Volume: Equatable {
    var namespace: String
    var claim: String
    /// The nodes from which it can be reached; nil for all.
    var nodeTerms: [NodeTerm]?
    /// The zone that its label names; nil for none.
    var zone: String?
    /// Whether one pod alone may use it.
    var isForOnePod = false
    /// Where the claim waits for its first pod: the zones in which its class makes volumes, any where there are none. Nil
    /// for a claim that is bound.
    var zonesOfClass: [String]?
  }

  struct Conversation: Equatable {
    var source: Int
    var destination: Int
    var bytesPerSecond: Double
  }
}
