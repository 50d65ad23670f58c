package import Formats
import FoundationEssentials
package import Kubernetes
import Model
import Overflow

extension OverflowPolicy {
  /// Reads the policies in a file: YAML of any number of documents, or JSON, each a policy or a list of them.
  ///
  /// Throws `FileError` that names file, line and field, what was found and what was expected. It blocks the thread.
  package static func read(_ file: InputFile) throws -> [OverflowPolicy] {
    let bytes = try file.readAll(limit: 16 << 20)
    return try policies(String(decoding: bytes, as: UTF8.self), file: file.name)
  }

  /// Reads the policies in a text, as ``read(_:)`` does in a file.
  package static func policies(_ text: String, file: String) throws(FileError) -> [OverflowPolicy] {
    var policies: [OverflowPolicy] = []
    var keys: Set<ObjectKey> = []
    var services: Set<String> = []
    for object in try objects(in: try YAMLField.documents(text: text, file: file)) {
      let policy = try OverflowPolicy(object)
      guard keys.insert(policy.key).inserted else {
        throw object.error("found policy \(policy.key) twice, expected it once")
      }
      guard services.insert(policy.service).inserted else {
        throw object.error("found service \(policy.service) in two policies, expected one")
      }
      policies.append(policy)
    }
    return policies
  }

  /// Reads a policy as the API server gives it.
  ///
  /// Throws `FileError` that names the object and the field, what was found and what was expected.
  package init(_ object: RawObject) throws(FileError) {
    let source = "\(Self.kind) \(object.key)"
    let text: String
    do {
      let spec = try object.decode(Body.self).spec
      text = String(decoding: try JSONEncoder().encode(["spec": spec]), as: UTF8.self)
    } catch {
      throw FileError(code: .invalid, file: source, message: "\(error)")
    }
    let fields = try YAMLField(text: text, file: source).fields(["spec"])
    guard let spec = fields["spec"] else {
      throw FileError(code: .invalid, file: source, message: "spec: found nothing, expected a mapping")
    }
    self.init(key: object.key, spec: try Spec(spec, in: object.key.namespace))
  }

  private struct Body: Decodable {
    var spec: JSONValue
  }

  /// The objects that documents hold; those in lists too.
  private static func objects(in documents: [YAMLField]) throws(FileError) -> [YAMLField] {
    var objects: [YAMLField] = []
    for document in documents {
      let fields = try document.fields()
      if let items = fields["items"], ["List", "\(kind)List"].contains(try fields["kind"]?.text() ?? "") {
        objects += try items.list()
      } else {
        objects.append(document)
      }
    }
    return objects
  }

  private init(_ object: YAMLField) throws(FileError) {
    let fields = try object.fields(["apiVersion", "kind", "metadata", "spec", "status"])
    try object.required("apiVersion", in: fields).expect(Self.apiVersion)
    try object.required("kind", in: fields).expect(Self.kind)
    let metadata = try object.required("metadata", in: fields)
    let names = try metadata.fields()
    let namespace = try names["namespace"]?.label() ?? "default"
    let key = ObjectKey(namespace: namespace, name: try metadata.required("name", in: names).objectName())
    self.init(key: key, spec: try Spec(try object.required("spec", in: fields), in: namespace))
  }
}

extension OverflowPolicy.Spec {
  fileprivate init(_ field: YAMLField, in namespace: String) throws(FileError) {
    let fields = try field.fields([
      "service", "capacity", "mode", "dryRun", "maxHops", "neighbours", "route", "limits", "measure", "safeAfter",
    ])
    let service = try field.required("service", in: fields).label()
    let mode: OverflowPolicy.Mode =
      try fields["mode"]?.word(["weights": .weights, "perRequest": .perRequest]) ?? .weights
    let items = try field.required("neighbours", in: fields).list(atLeast: 1, atMost: 64)
    var neighbours: [OverflowPolicy.Neighbour] = []
    for item in items {
      let neighbour = try OverflowPolicy.Neighbour(item, mode)
      if let other = neighbours.first(where: { $0.name == neighbour.name || $0.host == neighbour.host }) {
        let what = other.name == neighbour.name ? "name '\(other.name)'" : "host '\(other.host)'"
        throw item.error("found \(what) twice, expected it once")
      }
      neighbours.append(neighbour)
    }
    self.init(
      service: service, capacity: try .init(field.required("capacity", in: fields)), neighbours: neighbours,
      route: try fields["route"].map(OverflowPolicy.Route.init))
    self.mode = mode
    isDryRun = try fields["dryRun"]?.flag() ?? isDryRun
    maxHops = try fields["maxHops"]?.integer(.hops) ?? maxHops
    limits = try fields["limits"].map(OverflowSettings.init) ?? limits
    measure = try fields["measure"].map(OverflowPolicy.Measure.init) ?? measure
    safeAfter = try fields["safeAfter"]?.duration(.safeAfter) ?? safeAfter
    if mode == .weights, route == nil {
      throw field.error("route: found nothing, expected the object whose weights are written (mode weights)")
    }
    let policy = OverflowPolicy(key: ObjectKey(namespace: namespace, name: ""), spec: self)
    for (item, neighbour) in zip(items, neighbours)
    where policy.localHosts.contains(HostName(neighbour.host)?.name ?? neighbour.host) {
      throw item.error("host: found '\(neighbour.host)', which is the service itself, expected another host")
    }
  }
}

extension Capacity {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields(["perMinute", "perPodPerMinute"])
    switch (fields["perMinute"], fields["perPodPerMinute"]) {
    case (let rate?, nil): self = .perMinute(try rate.rate())
    case (nil, let rate?): self = .perPod(perMinute: try rate.rate())
    default: throw field.error("expected perMinute or perPodPerMinute, and not both")
    }
  }
}

extension OverflowPolicy.Neighbour {
  /// A route's destination is a DNS name; a gateway, which proxies connect to, may be an address.
  fileprivate init(_ field: YAMLField, _ mode: OverflowPolicy.Mode) throws(FileError) {
    let fields = try field.fields(["name", "host", "cost", "limitPerMinute", "capacity"])
    self.init(
      name: try field.required("name", in: fields).clusterName(),
      host: try field.required("host", in: fields).host(allowsAddress: mode == .perRequest),
      cost: try fields["cost"]?.number(.hopCost) ?? 20)
    limitPerMinute = try fields["limitPerMinute"]?.rate()
    capacity = try fields["capacity"].map(Capacity.init)
  }
}

extension OverflowPolicy.Route {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields(["kind", "name", "rules", "owned", "hosts", "gateways", "neighbourGateways", "port"])
    let kind: Kind = try field.required("kind", in: fields).word([
      "VirtualService": .virtualService, "HTTPRoute": .httpRoute,
    ])
    self.init(kind: kind, name: try field.required("name", in: fields).objectName())
    for rule in try fields["rules"]?.list(atLeast: 1, atMost: 256) ?? [] { rules.append(try rule.text(atMost: 253)) }
    guard try fields["owned"]?.flag() ?? false else {
      for name in ["hosts", "gateways", "neighbourGateways", "port"] {
        if let field = fields[name] { throw field.error("found, expected only with owned: true") }
      }
      return
    }
    if let rules = fields["rules"] { throw rules.error("found, expected only without owned: true") }
    var own = Own(hosts: [], gateways: [])
    for host in try field.required("hosts", in: fields).list(atLeast: 1, atMost: 64) {
      own.hosts.append(try host.requestedHost())
    }
    own.gateways = try Self.gateways(field.required("gateways", in: fields))
    if let gateways = fields["neighbourGateways"] {
      guard kind == .virtualService else { throw gateways.error("found, expected only with kind: VirtualService") }
      own.neighbourGateways = try Self.gateways(gateways)
    }
    own.port = try fields["port"]?.integer(.port) ?? own.port
    self.own = own
  }

  private static func gateways(_ field: YAMLField) throws(FileError) -> [String] {
    var gateways: [String] = []
    for gateway in try field.list(atLeast: 1, atMost: 64) {
      let text = try gateway.text()
      let parts = text.split(separator: "/", omittingEmptySubsequences: false)
      guard (1...2).contains(parts.count), parts.allSatisfy({ HostName.isLabel($0) }) else {
        throw gateway.expected("name or namespace/name")
      }
      gateways.append(text)
    }
    return gateways
  }
}

extension OverflowSettings {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields([
      "unknownPerMinute", "tricklePerMinute", "sharedHeadroom", "stepOut", "stepBack", "hold", "hysteresis", "deadBand",
      "distressErrors", "distressResponse", "leastCapacity",
    ])
    self.init()
    unknownPerMinute = try fields["unknownPerMinute"]?.rate() ?? unknownPerMinute
    tricklePerMinute = try fields["tricklePerMinute"]?.rate() ?? tricklePerMinute
    sharedHeadroom = try fields["sharedHeadroom"]?.number(.share) ?? sharedHeadroom
    stepOut = try fields["stepOut"]?.number(.step) ?? stepOut
    stepBack = try fields["stepBack"]?.number(.step) ?? stepBack
    if let hold = fields["hold"] { holdSeconds = try hold.duration(.hold) / .seconds(1) }
    hysteresis = try fields["hysteresis"]?.number(.margin) ?? hysteresis
    deadBand = try fields["deadBand"]?.number(.margin) ?? deadBand
    distressErrors = try fields["distressErrors"]?.number(.share) ?? distressErrors
    distressResponse = try fields["distressResponse"]?.number(.slowdown) ?? distressResponse
    leastCapacity = try fields["leastCapacity"]?.number(.share) ?? leastCapacity
  }
}

extension OverflowPolicy.Measure {
  fileprivate init(_ field: YAMLField) throws(FileError) {
    let fields = try field.fields(["source", "demandQuery", "responseTimeQuery", "errorShareQuery"])
    source = try fields["source"]?.word(["envoy": .envoy, "prometheus": .prometheus, "selector": .selector])
    demandQuery = try fields["demandQuery"]?.text(atMost: 4096)
    responseTimeQuery = try fields["responseTimeQuery"]?.text(atMost: 4096)
    errorShareQuery = try fields["errorShareQuery"]?.text(atMost: 4096)
    for query in ["demandQuery", "responseTimeQuery", "errorShareQuery"] where source != .prometheus {
      if let found = fields[query] { throw found.error("found, expected only with source: prometheus") }
    }
  }
}
