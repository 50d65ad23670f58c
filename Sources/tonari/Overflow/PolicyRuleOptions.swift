import ArgumentParser
import Fleet

/// What overflow policies of a cluster may ask for besides what stays in their namespaces.
struct PolicyRuleOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Let overflow policies of a namespace name this host; several may be given.",
      discussion: """
        Without, a policy may have routes made for Services of its own namespace alone, and its neighbours are neither \
        Services of other namespaces nor addresses of this machine or link; gateways of mode perRequest must be listed. \
        'shop=*.shop.example', 'shop=203.0.113.7', '*=gateway.example:8080'
        """,
      valueName: "namespace=host"),
    transform: { text in
      guard let rule = HostRule(text) else {
        throw ValidationError("'\(text)': expected namespace=host, such as shop=*.shop.example")
      }
      return rule
    }
  )
  var allowHost: [HostRule] = []

  @Option(
    help: ArgumentHelp(
      "Let overflow policies of this namespace have Prometheus queries of their own, which see all that it has; * for all.",
      valueName: "namespace"))
  var allowQueries: [String] = []

  func validate() throws {
    for namespace in allowQueries where namespace != "*" && HostRule("\(namespace)=*") == nil {
      throw ValidationError("--allow-queries: '\(namespace)': expected a namespace, or *")
    }
  }

  var rules: PolicyRules { PolicyRules(hosts: allowHost, queryNamespaces: Set(allowQueries)) }
}
