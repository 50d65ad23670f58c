public import Kubernetes
public import Overflow

/// Where a service's requests go when its cluster is full: the object `OverflowPolicy` of `tonari.dev/v1alpha1`, the same
/// as a file and as a custom resource.
public struct OverflowPolicy: Hashable, Sendable {
  /// The version of the format that this code reads.
  public static let apiVersion = "tonari.dev/v1alpha1"
  /// The kind of the object.
  public static let kind = "OverflowPolicy"

  /// The object's namespace, which is the service's too, and its name.
  public var key: ObjectKey
  /// What is wanted.
  public var spec: Spec

  /// Makes a policy.
  public init(key: ObjectKey, spec: Spec) {
    self.key = key
    self.spec = spec
  }

  /// The service as `namespace/name`.
  public var service: String { "\(key.namespace)/\(spec.service)" }

  /// What the service is called in this cluster: its name alone, and with its namespace and the cluster's domain.
  public var localHosts: [String] {
    let name = "\(spec.service).\(key.namespace)"
    return [spec.service, name, "\(name).svc", "\(name).svc.cluster.local"]
  }

  /// What is wanted.
  public struct Spec: Hashable, Sendable {
    /// The Service, in the namespace of the policy.
    public var service: String
    /// What the service bears in this cluster.
    public var capacity: Capacity
    /// Who splits.
    public var mode: Mode = .weights
    /// Whether to say what would be done, and do nothing.
    public var isDryRun = false
    /// How often a request may be sent on from one cluster to another.
    public var maxHops = 1
    /// Where to send what does not fit.
    public var neighbours: [Neighbour]
    /// Whose weights are written; nil only in mode ``Mode/perRequest``.
    public var route: Route?
    /// How quickly and how far to go.
    public var limits = OverflowSettings()
    /// Where the figures come from.
    public var measure = Measure()
    /// After this time without measurements requests go home.
    public var safeAfter = Duration.seconds(60)

    /// Makes what is wanted, with defaults for all else.
    public init(service: String, capacity: Capacity, neighbours: [Neighbour], route: Route? = nil) {
      self.service = service
      self.capacity = capacity
      self.neighbours = neighbours
      self.route = route
    }
  }

  /// Who splits the requests.
  public enum Mode: String, Hashable, Sendable, Codable {
    /// The ingress, by the weights of a route.
    case weights
    /// Selectors, request by request.
    case perRequest
  }

  /// Another cluster that serves the same service.
  public struct Neighbour: Hashable, Sendable {
    /// The cluster's name.
    public var name: String
    /// The destination's host in the route, or the gateway's `host:port` in mode ``Mode/perRequest``.
    public var host: String
    /// What sending a request there costs, as hops do: 20 is another cluster.
    public var cost = 20.0
    /// The most requests per minute that are sent there; nil for what it has room for.
    public var limitPerMinute: Double?
    /// What it bears, for the time when it does not say what room it has; nil where that is not known.
    public var capacity: Capacity?

    /// Makes a neighbour.
    public init(name: String, host: String, cost: Double = 20) {
      self.name = name
      self.host = host
      self.cost = cost
    }
  }

  /// The object whose weights split the requests.
  public struct Route: Hashable, Sendable {
    /// What kind of object it is.
    public var kind: Kind
    /// Its name, in the namespace of the policy.
    public var name: String
    /// The names of the rules that are split; empty for all that have the service and a neighbour among their
    /// destinations.
    public var rules: [String] = []
    /// What the object is made of where it is the controller's own; nil where others made it.
    public var own: Own?

    /// Names an object.
    public init(kind: Kind, name: String) {
      self.kind = kind
      self.name = name
    }

    /// A kind of object.
    public enum Kind: String, Hashable, Sendable, Codable {
      /// Istio's.
      case virtualService = "VirtualService"
      /// The Gateway API's.
      case httpRoute = "HTTPRoute"
    }

    /// A route that the controller makes as a whole.
    public struct Own: Hashable, Sendable {
      /// The host names that requests ask for.
      public var hosts: [String]
      /// The gateways that requests come in by, each `name` or `namespace/name`.
      public var gateways: [String]
      /// The gateways that only neighbours reach, of the same form: what comes in there and says that it was sent on is
      /// believed. Without any, it is believed wherever it comes in, and to be taken away where clients do.
      public var neighbourGateways: [String] = []
      /// The destinations' port.
      public var port: Int

      /// Makes a route's contents.
      public init(hosts: [String], gateways: [String], port: Int = 80) {
        self.hosts = hosts
        self.gateways = gateways
        self.port = port
      }
    }
  }

  /// Where the figures come from.
  public struct Measure: Hashable, Sendable {
    /// Who counts.
    public enum Source: String, Hashable, Sendable, Codable {
      /// The ingress, an Envoy, by its statistics.
      case envoy
      /// Prometheus, by queries.
      case prometheus
      /// The selectors.
      case selector
    }

    /// Who counts; nil for the ingress in mode ``Mode/weights``, and the selectors in mode ``Mode/perRequest``.
    public var source: Source?
    /// The requests per minute before they are split, in PromQL; nil to make the query of the hosts.
    public var demandQuery: String?
    /// The local response time in seconds, in PromQL.
    public var responseTimeQuery: String?
    /// The share of local requests that fail, from 0 to 1, in PromQL.
    public var errorShareQuery: String?

    /// Makes what is usual.
    public init() {}
  }
}
