import Fleet
import Formats
import Kubernetes
import Model

/// The route that the controller makes as a whole, with the weights of a split.
///
/// Requests that another cluster has sent on bear a count of their hops; those that have made as many as they may are
/// served here. The count of a request that came in by a gateway of neighbours is believed; where there are no such gateways,
/// every request's.
enum OwnRoute {
  /// The header that counts the hops of a request.
  static let hopsHeader = "x-tonari-hops"

  /// The object for a server-side apply.
  ///
  /// - Parameters:
  ///   - policy: what the route is for.
  ///   - route: its kind and name.
  ///   - own: what is in it.
  ///   - version: the version of the API.
  ///   - weights: of the service and of each neighbour.
  static func object(
    _ policy: OverflowPolicy, _ route: OverflowPolicy.Route, _ own: OverflowPolicy.Route.Own, version: String,
    weights: (local: Int, remote: [Int])
  ) -> JSONValue {
    let builder = Builder(policy: policy, own: own, weights: weights)
    let spec: JSONValue =
      switch route.kind {
      case .virtualService: builder.virtualService
      case .httpRoute: builder.httpRoute
      }
    return [
      "apiVersion": .string(route.kind.resource(version: version).apiVersion), "kind": .string(route.kind.rawValue),
      "metadata": ["name": .string(route.name), "namespace": .string(policy.key.namespace)], "spec": spec,
    ]
  }

  private struct Builder {
    let policy: OverflowPolicy
    let own: OverflowPolicy.Route.Own
    let weights: (local: Int, remote: [Int])

    /// Who gets a request that has made so many hops; nil stands for all that have made as many as they may.
    private var hops: [Int?] {
      guard policy.spec.maxHops > 0 else { return [nil] }
      return (1..<max(1, policy.spec.maxHops)).map { $0 } + [nil, 0]
    }

    var virtualService: JSONValue {
      let local: JSONValue = ["destination": destination(policy.spec.service)]
      let rules = hops.map { hops -> JSONValue in
        guard let hops else {
          var rule: JSONValue = ["name": "tonari-arrived", "route": [local]]
          if policy.spec.maxHops > 0 { rule["match"] = [match(["regex": ".+"])] }
          return rule
        }
        var routes: [JSONValue] = [local]
        routes[0]["weight"] = .integer(Int64(weights.local))
        for (neighbour, weight) in zip(policy.spec.neighbours, weights.remote) {
          routes.append([
            "destination": destination(neighbour.host), "weight": .integer(Int64(weight)),
            "headers": ["request": ["set": [OwnRoute.hopsHeader: .string("\(hops + 1)")]]],
          ])
        }
        var rule: JSONValue = ["name": .string("tonari-overflow-\(hops)"), "route": .array(routes)]
        if hops > 0 {
          rule["match"] = [match(["exact": .string("\(hops)")])]
        } else if !own.neighbourGateways.isEmpty, policy.spec.maxHops > 0 {
          // What a client says of hops goes no further.
          routes[0]["headers"] = ["request": ["remove": [.string(OwnRoute.hopsHeader)]]]
          rule["route"] = .array(routes)
        }
        return rule
      }
      let gateways = own.gateways + own.neighbourGateways.filter { !own.gateways.contains($0) }
      return [
        "hosts": .array(own.hosts.map(JSONValue.string)), "gateways": .array(gateways.map(JSONValue.string)),
        "http": .array(rules),
      ]
    }

    /// Requests that say so of their hops, and are believed.
    private func match(_ hops: JSONValue) -> JSONValue {
      var match: JSONValue = ["headers": [OwnRoute.hopsHeader: hops]]
      if !own.neighbourGateways.isEmpty { match["gateways"] = .array(own.neighbourGateways.map(JSONValue.string)) }
      return match
    }

    private func destination(_ host: String) -> JSONValue {
      let (name, port) = parted(host)
      return ["host": .string(name), "port": ["number": .integer(Int64(port))]]
    }

    var httpRoute: JSONValue {
      let rules = hops.map { hops -> JSONValue in
        guard let hops else {
          var rule: JSONValue = ["backendRefs": [backend(policy.spec.service, weight: 1)]]
          if policy.spec.maxHops > 0 { rule["matches"] = [["headers": [header("RegularExpression", ".+")]]] }
          return rule
        }
        var backends = [backend(policy.spec.service, weight: weights.local)]
        for (neighbour, weight) in zip(policy.spec.neighbours, weights.remote) {
          var backend = backend(neighbour.host, weight: weight)
          let mark: JSONValue = ["name": .string(OwnRoute.hopsHeader), "value": .string("\(hops + 1)")]
          backend["filters"] = [["type": "RequestHeaderModifier", "requestHeaderModifier": ["set": [mark]]]]
          backends.append(backend)
        }
        var rule: JSONValue = ["backendRefs": .array(backends)]
        if hops > 0 { rule["matches"] = [["headers": [header("Exact", "\(hops)")]]] }
        return rule
      }
      let parents = own.gateways.map { gateway -> JSONValue in
        let parts = gateway.split(separator: "/").map(String.init)
        return parts.count == 2
          ? ["namespace": .string(parts[0]), "name": .string(parts[1])] : ["name": .string(gateway)]
      }
      return [
        "hostnames": .array(own.hosts.map(JSONValue.string)), "parentRefs": .array(parents), "rules": .array(rules),
      ]
    }

    private func header(_ type: String, _ value: String) -> JSONValue {
      ["type": .string(type), "name": .string(OwnRoute.hopsHeader), "value": .string(value)]
    }

    private func backend(_ host: String, weight: Int) -> JSONValue {
      let (name, port) = parted(host)
      var backend: JSONValue = [
        "name": .string(name), "port": .integer(Int64(port)), "weight": .integer(Int64(weight)),
      ]
      // No Service has a dot in its name: Istio takes hosts of ServiceEntries so.
      if name.contains(".") { (backend["group"], backend["kind"]) = ("networking.istio.io", "Hostname") }
      return backend
    }

    /// A host and its port, which is the route's where it names none.
    private func parted(_ host: String) -> (String, Int) {
      guard let colon = host.lastIndex(of: ":"), host.firstIndex(of: ":") == colon,
        let port = UInt16(host[host.index(after: colon)...])
      else { return (host, own.port) }
      return (String(host[..<colon]), Int(port))
    }
  }
}

extension JSONValue {
  /// Whether all that another value says is said here too: fields that are here alone count for nothing.
  func holds(_ other: JSONValue) -> Bool {
    switch (self, other) {
    case (.object(let fields), .object(let wanted)):
      wanted.allSatisfy { name, value in fields[name]?.holds(value) ?? false }
    case (.array(let elements), .array(let wanted)):
      elements.count == wanted.count && zip(elements, wanted).allSatisfy { $0.holds($1) }
    default: self == other
    }
  }
}
