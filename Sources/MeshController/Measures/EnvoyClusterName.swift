/// A cluster of an Envoy as statistics in Prometheus' format call it, in one spelling.
///
/// Whoever configures an Envoy has ways of its own to name clusters, and Envoy cuts names: its default tags take what
/// stands before the first dot for a label, and the rest goes into the name of the metric, where all but letters and
/// digits are `_`. A spelling is therefore a name up to its first dot as it is, and after it with `_` alone.
struct EnvoyClusterName: Hashable, Sendable, CustomStringConvertible {
  let description: String

  private init(_ description: String) { self.description = description }

  /// The clusters that stand for a host of a route.
  init(_ host: DestinationName) {
    let parts = host.description.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(first: parts[0], rest: parts.count > 1 ? parts[1] : "")
  }

  /// The cluster that Envoy Gateway makes of a rule of a route, or of one of its destinations.
  init(ofRule rule: Int, destination: Int? = nil, inHTTPRoute route: String, of namespace: String) {
    let suffix = destination.map { "/backend/\($0)" } ?? ""
    self.init(ofRule: "httproute/\(namespace)/\(route)/rule/\(rule)\(suffix)", cut: "")
  }

  private init(ofRule name: some StringProtocol, cut: Substring) {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let rest = parts.count > 1 ? "\(parts[1])_\(cut)" : String(cut)
    self.init("\(parts[0].lowercased()).\(Self.plain(rest))")
  }

  private init(first: some StringProtocol, rest: some StringProtocol) {
    var rest = Substring(Self.plain(rest))
    for domain in ["svc_cluster_local", "svc"] where rest.hasSuffix("_\(domain)") {
      rest = rest.dropLast(domain.count + 1)
      break
    }
    self.init("\(first.lowercased()).\(rest)")
  }

  /// What a cluster may be called by: first its name, and then, where that ends like a port, its name without one.
  /// A namespace may end so, too.
  ///
  /// - Parameters:
  ///   - label: the label that says its name, perhaps only up to the first dot.
  ///   - cut: what of its name is in the name of the metric.
  static func all(label: String, cut: Substring) -> [EnvoyClusterName] {
    // Istio ends its clusters' names for statistics with a `;`.
    let label = label.hasSuffix(";") ? label.dropLast() : label[...]
    let cut = cut.hasSuffix("_") ? cut.dropLast() : cut
    func host(_ name: Substring) -> EnvoyClusterName {
      let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      let rest = parts.count > 1 ? "\(parts[1])_\(cut)" : String(cut)
      return EnvoyClusterName(first: parts[0], rest: rest)
    }
    // Istio: outbound|80|subset|host.
    let parts = label.split(separator: "|", omittingEmptySubsequences: false)
    if parts.count == 4 { return parts[0] == "outbound" ? [host(parts[3])] : [] }
    let path = label.split(separator: "/", omittingEmptySubsequences: false)
    if path[0] == "httproute", path.count > 1 {
      return [EnvoyClusterName(ofRule: label, cut: cut)]
    }
    // Contour: namespace_service_port. Kgateway has a word before it, Cilium a path.
    let words = (path.last ?? "").split(separator: "_", omittingEmptySubsequences: false)
    if words.count == 3 || words.count == 4, words.last.map(isPort) == true, cut.isEmpty {
      return [EnvoyClusterName(first: words[words.count - 2], rest: words[words.count - 3])]
    }
    // namespace/service, perhaps with a port behind it in one way or another.
    if path.count == 2 || path.count > 2 && isPort(path[2]) {
      return [EnvoyClusterName(first: withoutPort(path[1]), rest: path[0])]
    }
    guard path.count == 1 else { return [] }
    let whole = host(label)
    // A port is behind the last `:` of a host, which statistics have as `_` like any dot.
    let short = cut.isEmpty ? host(withoutPort(label)) : EnvoyClusterName(first: label, rest: withoutPort(cut))
    return short == whole ? [whole] : [whole, short]
  }

  private static func isPort(_ text: Substring) -> Bool { UInt16(text) != nil }

  private static func withoutPort(_ name: Substring) -> Substring {
    guard let mark = name.lastIndex(where: { $0 == "_" || $0 == ":" }), isPort(name[name.index(after: mark)...]) else {
      return name
    }
    return name[..<mark]
  }

  /// A text as Envoy writes it into the name of a metric.
  private static func plain(_ text: some StringProtocol) -> String {
    String(
      text.lowercased().unicodeScalars.map { scalar in
        "a"..."z" ~= scalar || "0"..."9" ~= scalar ? Character(scalar) : "_"
      }
    ).trimmed("_")
  }
}

extension String {
  fileprivate func trimmed(_ character: Character) -> String {
    String(drop { $0 == character }.reversed().drop { $0 == character }.reversed())
  }
}
