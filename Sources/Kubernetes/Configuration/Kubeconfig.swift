/// What kubeconfig files say together: clusters, users and contexts by name.
///
/// Where several files have an entry of one name, the first counts, whole; so it is with the current context.
struct Kubeconfig {
  /// An entry, and the file that it comes from.
  struct Entry<Value> {
    var value: Value
    var file: String
  }

  private(set) var clusters: [String: Entry<Document.Cluster>] = [:]
  private(set) var users: [String: Entry<Document.User>] = [:]
  private(set) var contexts: [String: Entry<Document.Context>] = [:]
  private(set) var currentContext: Entry<String>?
  let files: [String]

  /// Merges files, the first first.
  init(merging documents: [Document]) throws(ConfigurationError) {
    files = documents.map(\.file)
    for document in documents {
      let file = document.file
      for (index, named) in (document.content.clusters ?? []).enumerated() {
        let value = try Self.entry(named.name, named.cluster, "cluster", "clusters[\(index)]", file)
        if clusters[value.name] == nil { clusters[value.name] = Entry(value: value.entry, file: file) }
      }
      for (index, named) in (document.content.users ?? []).enumerated() {
        let value = try Self.entry(named.name, named.user, "user", "users[\(index)]", file)
        if users[value.name] == nil { users[value.name] = Entry(value: value.entry, file: file) }
      }
      for (index, named) in (document.content.contexts ?? []).enumerated() {
        let value = try Self.entry(named.name, named.context, "context", "contexts[\(index)]", file)
        if contexts[value.name] == nil { contexts[value.name] = Entry(value: value.entry, file: file) }
      }
      if currentContext == nil, let name = document.content.currentContext, !name.isEmpty {
        currentContext = Entry(value: name, file: file)
      }
    }
  }

  private static func entry<Value>(
    _ name: String?, _ value: Value?, _ kind: String, _ field: String, _ file: String
  ) throws(ConfigurationError) -> (name: String, entry: Value) {
    guard let name else {
      throw ConfigurationError(
        code: .field, source: file, field: "\(field).name", message: "found nothing, expected a name")
    }
    guard let value else {
      throw ConfigurationError(
        code: .field, source: file, field: "\(field).\(kind)", message: "found nothing, expected a \(kind)")
    }
    return (name, value)
  }
}
