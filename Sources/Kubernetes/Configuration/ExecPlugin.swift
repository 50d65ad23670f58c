/// A program that gives credentials when it is run: `exec` of a kubeconfig (client.authentication.k8s.io).
package struct ExecPlugin: Hashable, Sendable {
  /// The protocol that the program speaks.
  package enum Version: String, CaseIterable, Sendable {
    /// `v1`.
    case v1 = "client.authentication.k8s.io/v1"
    /// `v1beta1`.
    case v1beta1 = "client.authentication.k8s.io/v1beta1"
  }

  /// The program: a path, or a name that is looked for on the `PATH`.
  package var command: String
  /// The protocol that it speaks.
  package var version: Version
  /// Its arguments.
  package var arguments: [String] = []
  /// What its environment has on top of this process's.
  package var environment: [String: String] = [:]
  /// What to tell a user who does not have the program.
  package var installHint: String?
  /// Whether the program is told where the cluster is.
  package var isToldCluster = false
  /// Where it was asked for, in errors.
  var source = "exec plugin"

  /// Makes a plugin.
  package init(command: String, version: Version) {
    self.command = command
    self.version = version
  }
}
