package import Model
package import Overflow

/// Where a service's requests go when its cluster is full: the object `OverflowPolicy` of `tonari.dev/v1alpha1`, the same
/// as a file and as a custom resource.
package struct OverflowPolicy: Hashable, Sendable {
  /// The version of the format that this code reads.
  package static let apiVersion = "tonari.dev/v1alpha1"
  /// The kind of the object.
  package static let kind = "OverflowPolicy"

  /// The object's namespace, which is the service's too, and its name.
  package var key: ObjectKey
  /// What is wanted.
  package var spec: Spec

  /// Makes a policy.
  package init(key: ObjectKey, spec: Spec) {
    self.key = key
    self.spec = spec
  }

  /// The service as `namespace/name`.
  package var service: String { "\(key.namespace)/\(spec.service)" }

  /// What the service is called in this cluster: its name alone, and with its namespace and the cluster's domain.
  package var localHosts: [String] {
    let name = "\(spec.service).\(key.namespace)"
    return [spec.service, name, "\(name).svc", "\(name).svc.cluster.local"]
  }

  /// What is wanted.
  package struct Spec: Hashable, Sendable {
    /// The Service, in the namespace of the policy.
    package var service: String
    /// What the service bears in this cluster.
    package var capacity: Capacity
    /// Who splits.
    package var mode: Mode = .weights
    /// Whether to say what would be done, and do nothing.
    package var isDryRun = false
    /// How often a request may be sent on from one cluster to another.
    package var maxHops = 1
    /// Where to send what does not fit.
    package var neighbours: [Neighbour]
    /// Whose weights are written; nil only in mode ``Mode/perRequest``.
    package var route: Route?
    /// How quickly and how far to go.
    package var limits = OverflowSettings()
    /// Where the figures come from.
    package var measure = Measure()
    /// After this time without measurements requests go home.
    package var safeAfter = Duration.seconds(60)

    /// Makes what is wanted, with defaults for all else.
    package init(service: String, capacity: Capacity, neighbours: [Neighbour], route: Route? = nil) {
      self.service = service
      self.capacity = capacity
      self.neighbours = neighbours
      self.route = route
    }
  }

  /// Who splits the requests.
  package enum Mode: String, Hashable, Sendable, Codable {
    /// The ingress, by the weights of a route.
    case weights
    /// Selectors, request by request.
    case perRequest
  }

  /// Another cluster that serves the same service.
  package struct Neighbour: Hashable, Sendable {
    /// The cluster's name.
    package var name: String
    /// The destination's host in the route, or the gateway's `host:port` in mode ``Mode/perRequest``.
    package var host: String
    /// What sending a request there costs, as hops do: 20 is another cluster.
    package var cost = 20.0
    /// The most requests per minute that are sent there; nil for what it has room for.
    package var limitPerMinute: Double?
    /// What it bears, for the time when it does not say what room it has; nil where that is not known.
    package var capacity: Capacity?

    /// Makes a neighbour.
    package init(name: String, host: String, cost: Double = 20) {
      self.name = name
      self.host = host
      self.cost = cost
    }
  }

  /// The object whose weights split the requests.
  package struct Route: Hashable, Sendable {
    /// What kind of object it is.
    package var kind: Kind
    /// Its name, in the namespace of the policy.
    package var name: String
    /// The names of the rules that are split; empty for all that have the service and a neighbour among their
    /// destinations.
    package var rules: [String] = []
    /// What the object is made of where it is the controller's own; nil where others made it.
    package var own: Own?

    /// Names an object.
    package init(kind: Kind, name: String) {
      self.kind = kind
      self.name = name
    }

    /// A kind of object.
    package enum Kind: String, Hashable, Sendable, Codable {
      /// Istio's.
      case virtualService = "VirtualService"
      /// The Gateway API's.
      case httpRoute = "HTTPRoute"
    }

    /// A route that the controller makes as a whole.
    package struct Own: Hashable, Sendable {
      /// The host names that requests ask for.
      package var hosts: [String]
      /// The gateways that requests come in by, each `name` or `namespace/name`.
      package var gateways: [String]
      /// The gateways that only neighbours reach, of the same form: what comes in there and says that it was sent on is
      /// believed. Without any, it is believed wherever it comes in, and to be taken away where clients do.
      package var neighbourGateways: [String] = []
      /// The destinations' port.
      package var port: Int

      /// Makes a route's contents.
      package init(hosts: [String], gateways: [String], port: Int = 80) {
        self.hosts = hosts
        self.gateways = gateways
        self.port = port
      }
    }
  }

  /// Where the figures come from.
  package struct Measure: Hashable, Sendable {
    /// Who counts.
    package enum Source: String, Hashable, Sendable, Codable {
      /// The ingress, an Envoy, by its statistics.
      case envoy
      /// Prometheus, by queries.
      case prometheus
      /// The selectors.
      case selector
    }

    /// Who counts; nil for the ingress in mode ``Mode/weights``, and the selectors in mode ``Mode/perRequest``.
    package var source: Source?
    /// The requests per minute before they are split, in PromQL; nil to make the query of the hosts.
    package var demandQuery: String?
    /// The local response time in seconds, in PromQL.
    package var responseTimeQuery: String?
    /// The share of local requests that fail, from 0 to 1, in PromQL.
    package var errorShareQuery: String?

    /// Makes what is usual.
    package init() {}
  }
}
