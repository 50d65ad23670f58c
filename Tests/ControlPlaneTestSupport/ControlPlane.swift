import Connections
import Formats
package import Foundation
package import Kubernetes
import Synchronization

/// A real control plane on loopback for tests: etcd and kube-apiserver, and kube-scheduler where it is wanted, from the
/// folder that `KUBEBUILDER_ASSETS` names.
///
/// Whoever asks with ``adminToken`` or the certificate `admin.crt` may do everything. Nothing runs pods, and there is no
/// controller: objects stay as they are written.
package actor ControlPlane {
  /// Whether tests that need one are to run: where the programs are, and always in CI, where they must be.
  package static let isWanted = assets != nil || ProcessInfo.processInfo.environment["CI"] != nil
  /// What to say where tests are skipped.
  package static let hint = "needs etcd and kube-apiserver: set KUBEBUILDER_ASSETS to their folder"
  /// The bearer token of an administrator.
  package static let adminToken = "tonari-test-admin"
  /// The bearer token of somebody who may do nothing.
  package static let nobodyToken = "tonari-test-nobody"
  /// The bearer token of a service account in the namespace `tonari`, as far as ``serviceAccounts`` has it.
  package static func token(ofServiceAccount name: String) -> String { "tonari-test-account-\(name)" }
  /// The service accounts of our manifests.
  private static let serviceAccounts = ["tonari-extender", "tonari-planner", "tonari-selector"]

  private static let assets = ProcessInfo.processInfo.environment["KUBEBUILDER_ASSETS"].map { URL(filePath: $0) }

  /// Where certificates, configuration and logs are.
  package nonisolated let folder: URL
  /// The port of the API server.
  package nonisolated let port: UInt16
  /// A kubeconfig of an administrator.
  package nonisolated var kubeconfig: String { folder.appending(path: "kubeconfig").path }
  private let assets: URL
  private let etcdPort: UInt16
  private var etcd: Server?
  private var apiServer: Server?
  private let apiServerArguments: [String]

  /// Starts etcd and the API server, and waits until they are ready.
  ///
  /// - Parameter apiServerArguments: More arguments for the API server.
  package init(apiServerArguments: [String] = []) async throws {
    guard let assets = Self.assets else { throw TestFailure(Self.hint) }
    self.assets = assets
    self.apiServerArguments = apiServerArguments
    folder = FileManager.default.temporaryDirectory.appending(path: "tonari-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    port = try LoopbackListener.freePort()
    etcdPort = try LoopbackListener.freePort()
    _ = try Certificates(in: folder)
    let accounts = Self.serviceAccounts.map { name in
      "\(Self.token(ofServiceAccount: name)),system:serviceaccount:tonari:\(name),\(name),system:serviceaccounts\n"
    }
    try """
    \(Self.adminToken),admin,1,system:masters
    \(Self.nobodyToken),nobody,2
    \(accounts.joined())
    """.write(to: folder.appending(path: "tokens.csv"), atomically: true, encoding: .utf8)
    try Self.kubeconfig(port, user: "{client-certificate: admin.crt, client-key: admin.key}")
      .write(to: folder.appending(path: "kubeconfig"), atomically: true, encoding: .utf8)
    try startEtcd()
    try await startAPIServer()
  }

  deinit {
    apiServer?.send(9)
    etcd?.send(9)
    try? FileManager.default.removeItem(at: folder)
  }

  /// The way to the API server, as an administrator.
  ///
  /// - Parameters:
  ///   - port: The port to go through; nil for the API server's own.
  ///   - token: The bearer token.
  package nonisolated func configuration(
    through port: UInt16? = nil, token: String = adminToken
  ) -> ClientConfiguration {
    ClientConfiguration(
      server: "https://127.0.0.1:\(port ?? self.port)", authorities: .file(folder.appending(path: "ca.crt").path),
      credentials: Credentials(token: .data(Array(token.utf8))))
  }

  /// Writes a kubeconfig of whoever has a token, and answers its path.
  package nonisolated func kubeconfig(token: String) throws -> String {
    let file = folder.appending(path: "kubeconfig-\(token)")
    try Self.kubeconfig(port, user: "{token: \(token)}").write(to: file, atomically: true, encoding: .utf8)
    return file.path
  }

  private static func kubeconfig(_ port: UInt16, user: String) -> String {
    """
    apiVersion: v1
    kind: Config
    clusters: [{name: test, cluster: {server: "https://127.0.0.1:\(port)", certificate-authority: ca.crt}}]
    users: [{name: test, user: \(user)}]
    contexts: [{name: test, context: {cluster: test, user: test}}]
    current-context: test
    """
  }

  // MARK: - Servers

  private func startEtcd() throws {
    let peerPort = try LoopbackListener.freePort()
    etcd = try Server(
      assets.appending(path: "etcd"),
      [
        "--data-dir", folder.appending(path: "etcd").path, "--listen-client-urls", "http://127.0.0.1:\(etcdPort)",
        "--advertise-client-urls", "http://127.0.0.1:\(etcdPort)", "--listen-peer-urls",
        "http://127.0.0.1:\(peerPort)", "--initial-advertise-peer-urls", "http://127.0.0.1:\(peerPort)",
        "--initial-cluster", "default=http://127.0.0.1:\(peerPort)",
      ], log: folder.appending(path: "etcd.log"), folder: folder)
  }

  /// Starts the API server, and waits until it is ready.
  package func startAPIServer() async throws {
    let path = { [folder] (name: String) in folder.appending(path: name).path }
    let server = try Server(
      assets.appending(path: "kube-apiserver"),
      [
        "--etcd-servers", "http://127.0.0.1:\(etcdPort)", "--etcd-compaction-interval", "0", "--bind-address",
        "127.0.0.1", "--secure-port", "\(port)", "--tls-cert-file", path("server.crt"), "--tls-private-key-file",
        path("server.key"), "--client-ca-file", path("ca.crt"), "--token-auth-file", path("tokens.csv"),
        "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.0.0.0/24", "--service-account-issuer",
        "https://kubernetes.test", "--service-account-key-file", path("server.crt"),
        "--service-account-signing-key-file", path("server.key"), "--disable-admission-plugins", "ServiceAccount",
        "--advertise-address", "127.0.0.1", "--cert-dir", path("generated"), "--profiling=false",
      ] + apiServerArguments, log: folder.appending(path: "kube-apiserver.log"))
    apiServer = server
    let client = APIClient(configuration(), retries: .never, timeout: .seconds(5))
    try await eventually("kube-apiserver is ready", within: .seconds(180)) {
      guard server.isRunning else {
        throw TestFailure("kube-apiserver has ended: \(server.lastWords)")
      }
      return (try? await client.read(path: "/readyz")) == Array("ok".utf8)
    }
  }

  /// Kills the API server.
  package func stopAPIServer() async {
    await apiServer?.kill()
  }

  /// Starts kube-scheduler.
  ///
  /// - Parameters:
  ///   - configuration: What a `KubeSchedulerConfiguration` of `kubescheduler.config.k8s.io/v1beta1` has besides its
  ///     `clientConnection`, addresses and leader election: profiles and extenders, as YAML.
  ///   - arguments: More arguments.
  ///
  /// It is not waited for: it schedules as soon as it can.
  package func startScheduler(_ configuration: String = "", arguments: [String] = []) throws -> Server {
    let name = "kube-scheduler-\(UUID().uuidString)"
    let file = folder.appending(path: "\(name).yaml")
    let port = try LoopbackListener.freePort()
    try """
    apiVersion: kubescheduler.config.k8s.io/v1beta1
    kind: KubeSchedulerConfiguration
    clientConnection: {kubeconfig: "\(kubeconfig)"}
    leaderElection: {leaderElect: false}
    healthzBindAddress: 127.0.0.1:\(port)
    metricsBindAddress: 127.0.0.1:\(port)
    \(configuration)
    """.write(to: file, atomically: true, encoding: .utf8)
    return try Server(
      assets.appending(path: "kube-scheduler"),
      [
        "--config", file.path, "--secure-port", "\(LoopbackListener.freePort())", "--bind-address", "127.0.0.1",
        "--authentication-skip-lookup", "--cert-dir", folder.appending(path: name).path,
      ] + arguments, log: folder.appending(path: "\(name).log"))
  }

  /// Lets etcd forget all versions of objects but the last.
  package func compactEtcd() async throws {
    let revision = try await askEtcd("range", ["key": .string(Data("/".utf8).base64EncodedString())])
    guard let last = revision["header"]?["revision"]?.string else {
      throw TestFailure("etcd tells no revision: \(revision)")
    }
    _ = try await askEtcd("compaction", ["revision": .string(last), "physical": true])
  }

  private func askEtcd(_ what: String, _ question: JSONValue) async throws -> JSONValue {
    let body = [UInt8](try JSONEncoder().encode(question))
    let request = OutgoingRequest(method: "POST", url: "http://127.0.0.1:\(etcdPort)/v3/kv/\(what)", body: body)
    let response = try await HTTPTransport().send(request)
    let answer = try await response.body.collect(upTo: 1 << 20)
    guard response.status == 200 else {
      throw TestFailure("etcd: \(String(decoding: answer, as: UTF8.self))")
    }
    return try JSONDecoder().decode(JSONValue.self, from: Data(answer))
  }
}
