/// A host as routes and statistics call it, in one spelling: a Service of the cluster is `name.namespace` however much
/// of its domain was written out.
struct DestinationName: Hashable, Sendable, CustomStringConvertible {
  let description: String

  /// - Parameters:
  ///   - host: such as `cart`, `cart.shop.svc.cluster.local`, `cart.edge-b.example` or `10.0.0.7:8080`.
  ///   - namespace: where names are at home that name none.
  init(_ host: String, in namespace: String) {
    var name = Substring(host.lowercased())
    if let colon = name.lastIndex(of: ":"), name.firstIndex(of: ":") == colon { name = name[..<colon] }
    if name.hasSuffix(".") { name = name.dropLast() }
    for domain in [".svc.cluster.local", ".svc"] where name.hasSuffix(domain) {
      name = name.dropLast(domain.count)
      break
    }
    description = name.contains(".") || name.contains(":") ? String(name) : "\(name).\(namespace.lowercased())"
  }
}
