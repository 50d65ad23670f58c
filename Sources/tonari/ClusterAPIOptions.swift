import ArgumentParser
import Kubernetes

/// The cluster that is spoken to by its API server.
struct ClusterAPIOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Speak to the cluster of this kubeconfig.", valueName: "file"),
    completion: .file()
  )
  var kubeconfig: String?

  @Option(help: ArgumentHelp("The kubeconfig's context, instead of its current one.", valueName: "name"))
  var context: String?

  @Flag(help: "Speak to the cluster that this process is a pod of.")
  var inCluster = false

  /// Whether a cluster is named.
  var isGiven: Bool { kubeconfig != nil || inCluster }

  func validate() throws {
    if kubeconfig != nil, inCluster { throw ValidationError("--kubeconfig and --in-cluster: expected one of them") }
    if context != nil, kubeconfig == nil { throw ValidationError("--context: expected --kubeconfig with it") }
  }

  /// The way to the API server; nil where none is named.
  func configuration() throws -> ClientConfiguration? {
    if let kubeconfig { return try .load(kubeconfig: kubeconfig, context: context) }
    return inCluster ? try .inCluster() : nil
  }
}
