import Kubernetes
import Model

/// What policies of a namespace may ask for: an object of a namespace has effect in that namespace, and what reaches beyond it
/// is an administrator's to allow.
///
/// The controller may write routes everywhere, and proxies follow what selectors pick; who may write a policy may perhaps
/// neither. So a policy may do what the owner of its namespace could do with a route of its own, and no more:
///
/// - the hosts of a route that the controller makes are those of Services of the namespace;
/// - a neighbour is no Service of another namespace, and no address of the machine or link itself (loopback, link-local);
/// - the gateways that selectors send requests to, in mode ``OverflowPolicy/Mode/perRequest``, are listed;
/// - queries, which see all that Prometheus has, are for namespaces that are listed.
package struct PolicyRules: Hashable, Sendable {
  /// Hosts that may be named besides.
  package var hosts: [HostRule]
  /// The namespaces whose policies may have queries of their own; `*` for all.
  package var queryNamespaces: Set<String>

  /// Allows what stays in a namespace, and what is listed.
  package init(hosts: [HostRule] = [], queryNamespaces: Set<String> = []) {
    self.hosts = hosts
    self.queryNamespaces = queryNamespaces
  }

  /// Allows everything: for policies that an administrator wrote, such as those in a file.
  package static let everything = PolicyRules(hosts: HostRule("*=*").map { [$0] } ?? [], queryNamespaces: ["*"])

  /// What a policy asks for that it may not.
  package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The field, what was found there and what was expected.
    package var description: String
  }

  /// Refuses a policy that asks for more than it may.
  package func check(_ policy: OverflowPolicy) throws(Fault) {
    let namespace = policy.key.namespace
    for (k, neighbour) in policy.spec.neighbours.enumerated() {
      try check(neighbour, policy.spec.mode, field: "spec.neighbours[\(k)].host", in: namespace)
    }
    for (k, host) in (policy.spec.route?.own?.hosts ?? []).enumerated() {
      guard let name = HostName(host, allowsWildcard: true) else { continue }
      guard Self.namespace(of: name, seenFrom: namespace) == namespace || allows(name, in: namespace) else {
        throw fault("spec.route.hosts[\(k)]", host, "the host of a Service in namespace \(namespace)", namespace)
      }
    }
    let measure = policy.spec.measure
    let queries: KeyValuePairs = [
      "demandQuery": measure.demandQuery, "responseTimeQuery": measure.responseTimeQuery,
      "errorShareQuery": measure.errorShareQuery,
    ]
    guard queryNamespaces.isDisjoint(with: [namespace, "*"]) else { return }
    for (name, query) in queries where query != nil {
      throw Fault(
        description: "spec.measure.\(name): found a query, expected none, as a query sees all that Prometheus has; an "
          + "administrator allows them by --allow-queries \(namespace)")
    }
  }

  private func check(
    _ neighbour: OverflowPolicy.Neighbour, _ mode: OverflowPolicy.Mode, field: String, in namespace: String
  ) throws(Fault) {
    guard let host = HostName(neighbour.host, allowsAddress: true), !allows(host, in: namespace) else { return }
    if host.isSpecial {
      throw fault(field, neighbour.host, "no address of this machine or link", namespace)
    }
    if let other = Self.namespace(of: host, seenFrom: namespace), other != namespace {
      throw fault(field, neighbour.host, "no Service of another namespace", namespace)
    }
    // A host without a port is only the name of replicas that are known otherwise.
    if mode == .perRequest, host.port != nil || host.isAddress {
      throw fault(field, neighbour.host, "a gateway that is listed, as selectors send requests there", namespace)
    }
  }

  private func fault(_ field: String, _ found: String, _ expected: String, _ namespace: String) -> Fault {
    Fault(
      description: "\(field): found '\(found)', expected \(expected); an administrator allows others by --allow-host "
        + "\(namespace)=\(found)")
  }

  private func allows(_ host: HostName, in namespace: String) -> Bool {
    hosts.contains { $0.allows(host, in: namespace) }
  }

  /// The namespace of the Service that a host is; nil where it is none of this cluster.
  private static func namespace(of host: HostName, seenFrom namespace: String) -> String? {
    guard !host.isAddress else { return nil }
    let labels = host.name.split(separator: ".", omittingEmptySubsequences: false)
    switch labels.count {
    case 1: return namespace
    // Where the second label is no namespace that is known here, it is a domain like any other.
    case 2: return labels[1] == namespace ? namespace : nil
    default:
      let isService = labels.last == "svc" || labels.suffix(3) == ["svc", "cluster", "local"]
      guard isService else { return nil }
      let rest = labels.dropLast(labels.last == "svc" ? 1 : 3)
      // A pod of a StatefulSet has a name before its Service's.
      return rest.count >= 2 ? String(rest.last ?? "") : ""
    }
  }
}
