import Foundation

extension ClientConfiguration {
  /// The way to an API server, found as kubectl finds it: in the kubeconfig that is named, else in those that
  /// `KUBECONFIG` names, else in `~/.kube/config`; and where there is none of them, as a pod of the cluster.
  ///
  /// - Parameters:
  ///   - kubeconfig: The path of a kubeconfig; nil to look for one.
  ///   - context: The context in the kubeconfig; nil for its current one.
  ///   - environment: The process's environment.
  ///
  /// Throws ``ConfigurationError``.
  package static func load(
    kubeconfig: String? = nil, context: String? = nil,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) -> ClientConfiguration {
    if let kubeconfig {
      return try Kubeconfig(merging: [try .read(kubeconfig)]).configuration(context: context)
    }
    var paths = (environment["KUBECONFIG"] ?? "").split(separator: ":").map(String.init)
    if paths.isEmpty, let home = environment["HOME"] { paths = ["\(home)/.kube/config"] }
    let present = paths.filter { FileManager.default.fileExists(atPath: $0) }
    if !present.isEmpty {
      var documents: [Kubeconfig.Document] = []
      for path in present { documents.append(try .read(path)) }
      return try Kubeconfig(merging: documents).configuration(context: context)
    }
    do {
      return try inCluster(environment: environment)
    } catch  where error.code == .notFound {
      throw ConfigurationError(
        code: .notFound,
        message: "found no kubeconfig (\(paths.joined(separator: ", "))) and no cluster around, expected one of them")
    }
  }
}
