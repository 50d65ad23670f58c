import Model

/// The part of an EndpointSlice that says where requests to a service may go; of `discovery.k8s.io/v1` and `v1beta1`.
struct EndpointSlice: Decodable, Hashable, Sendable {
  struct Metadata: Decodable, Hashable, Sendable {
    var name: String
    var namespace: String?
    var labels: [String: String]?
  }

  struct Endpoint: Decodable, Hashable, Sendable {
    struct Conditions: Decodable, Hashable, Sendable {
      var ready: Bool?
      var serving: Bool?
      var terminating: Bool?
    }

    struct Target: Decodable, Hashable, Sendable {
      var kind: String?
      var namespace: String?
      var name: String?
      var uid: String?
    }

    var addresses: [String]
    var conditions: Conditions?
    var nodeName: String?
    var zone: String?
    /// v1beta1's way to say node and zone.
    var topology: [String: String]?
    var targetRef: Target?
  }

  struct Port: Decodable, Hashable, Sendable {
    var name: String?
    var port: Int?
    var `protocol`: String?
  }

  var metadata: Metadata
  var addressType: String?
  var endpoints: [Endpoint]?
  var ports: [Port]?

  /// The service that it belongs to, as `namespace/name`; nil where it belongs to none.
  var service: String? {
    metadata.labels?["kubernetes.io/service-name"].map { "\(metadata.namespace ?? "default")/\($0)" }
  }

  /// A family of addresses.
  enum Family {
    case four, six

    /// Whether an address is of it: in a slice that no controller wrote may stand anything.
    func has(_ text: String) -> Bool {
      IPAddress(text) != nil && !text.hasPrefix("[") && text.contains(":") == (self == .six)
    }
  }

  /// The family of its addresses; nil where they are names.
  var family: Family? { addressType == "IPv6" ? .six : addressType == "FQDN" ? nil : .four }

  /// The ports that requests may go to, with their names.
  var reachablePorts: [(name: String, port: Int)] {
    (ports ?? []).compactMap { port in
      guard let number = port.port, port.protocol ?? "TCP" == "TCP" else { return nil }
      return (port.name ?? "", number)
    }
  }
}

extension EndpointSlice.Endpoint {
  /// What tells a pod, or whatever else an endpoint stands for, from others; nil where it does not say.
  func target(in slice: ObjectKey) -> String? {
    guard let target = targetRef, let name = target.name else { return nil }
    return [target.kind ?? "", target.namespace ?? slice.namespace, name, target.uid ?? ""].joined(separator: "/")
  }
}
