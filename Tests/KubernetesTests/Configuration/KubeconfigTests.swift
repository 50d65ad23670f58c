import Foundation
import Model
import Testing

@testable import Formats
@testable import Kubernetes

struct KubeconfigTests {
  static let data = Data("PEM".utf8).base64EncodedString()

  /// A kubeconfig whose cluster and user have these fields.
  static func kubeconfig(cluster: String = "", user: String = "") -> String {
    """
    apiVersion: v1
    kind: Config
    preferences: {}
    current-context: here
    contexts:
    - {name: here, context: {cluster: c, user: u, namespace: shop}}
    - {name: there, context: {cluster: d, user: u}}
    clusters:
    - name: c
      cluster: {server: "https://10.0.0.1:6443/"\(cluster.isEmpty ? "" : ", ")\(cluster)}
    - {name: d, cluster: {server: "10.0.0.2:8080"}}
    users:
    - name: u
      user: {\(user)}
    """
  }

  func configuration(
    _ text: String, context: String? = nil, in folder: TemporaryFolder? = nil
  ) throws -> ClientConfiguration {
    let folder = try folder ?? TemporaryFolder()
    return try .load(kubeconfig: folder.write("config", text), context: context, environment: [:])
  }

  @Test("A context leads to its cluster, user and namespace")
  func context() throws {
    let text = Self.kubeconfig(user: "token: secret")
    let here = try configuration(text)
    #expect(here.server == "https://10.0.0.1:6443")
    #expect(here.namespace == "shop")
    #expect(here.credentials.token == .data(Array("secret".utf8)))
    let there = try configuration(text, context: "there")
    #expect(there.server == "http://10.0.0.2:8080")
    #expect(there.namespace == "default")
  }

  @Test("JSON is read as well as YAML")
  func json() throws {
    let text =
      #"{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"c"}}],"users":null,"#
      + #""clusters":[{"name":"c","cluster":{"server":"https://h"}}]}"#
    #expect(try configuration(text).server == "https://h")
  }

  @Test("Everything that a cluster can say is heeded")
  func cluster() throws {
    let folder = try TemporaryFolder()
    try folder.write("pki/ca.crt", "CA")
    let cluster = try configuration(
      Self.kubeconfig(
        cluster: "certificate-authority: pki/ca.crt, tls-server-name: api.example, proxy-url: 'socks5://p:1'"),
      in: folder)
    #expect(cluster.authorities == .file("\(folder.path)/pki/ca.crt"))
    #expect(cluster.serverName == "api.example")
    #expect(cluster.proxy == "socks5://p:1")
    #expect(!cluster.skipsVerification)
    let inline = try configuration(
      Self.kubeconfig(cluster: "certificate-authority-data: \(Self.data), certificate-authority: /nowhere"))
    #expect(inline.authorities == .data(Array("PEM".utf8)))
    #expect(try configuration(Self.kubeconfig(cluster: "insecure-skip-tls-verify: true")).skipsVerification)
  }

  @Test("Everything that a user can say is heeded")
  func user() throws {
    let folder = try TemporaryFolder()
    for name in ["crt", "key", "token"] { try folder.write(name, name) }
    func credentials(_ user: String) throws -> Credentials {
      try configuration(Self.kubeconfig(user: user), in: folder).credentials
    }
    #expect(
      try credentials("client-certificate: crt, client-key-data: \(Self.data)").certificate
        == .init(certificate: .file("\(folder.path)/crt"), key: .data(Array("PEM".utf8))))
    #expect(try credentials("tokenFile: token, token: other").token == .file("\(folder.path)/token"))
    #expect(try credentials("username: a, password: b").password == "a:b")
    #expect(
      try credentials("as: a, as-uid: '7', as-groups: [g, h], as-user-extra: {k: [v]}").impersonation
        == .init(user: "a", uid: "7", groups: ["g", "h"], extra: ["k": ["v"]]))
    let plugin = try #require(
      try credentials(
        "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/login, args: [a, b], "
          + "env: [{name: X, value: y}], installHint: get it, provideClusterInfo: true}"
      ).plugin)
    #expect(plugin.command == "\(folder.path)/./bin/login" || plugin.command == "\(folder.path)/bin/login")
    #expect(plugin.version == .v1beta1)
    #expect(plugin.arguments == ["a", "b"])
    #expect(plugin.environment == ["X": "y"])
    #expect(plugin.isToldCluster)
    let found = try credentials("exec: {apiVersion: client.authentication.k8s.io/v1, command: login}").plugin
    #expect(found?.command == "login")
  }

  @Test("Of several files the first counts for each name, and paths are relative to the file that has them")
  func merging() throws {
    let folder = try TemporaryFolder()
    try folder.write("b/ca.crt", "CA")
    let a = try folder.write(
      "a/config",
      """
      contexts: [{name: x, context: {cluster: c, user: u}}]
      users: [{name: u, user: {token: from-a}}]
      """)
    let b = try folder.write(
      "b/config",
      """
      current-context: x
      contexts: [{name: x, context: {cluster: other, user: other}}]
      clusters: [{name: c, cluster: {server: "https://b", certificate-authority: ca.crt}}]
      users: [{name: u, user: {token: from-b, username: kept-apart}}]
      """)
    let merged = try ClientConfiguration.load(
      environment: ["KUBECONFIG": "\(a):\(folder.path)/missing:\(b)"])
    #expect(merged.server == "https://b")
    #expect(merged.authorities == .file("\(folder.path)/b/ca.crt"))
    #expect(merged.credentials == Credentials(token: .data(Array("from-a".utf8))))
  }

  @Test("Without KUBECONFIG it is the one in the home folder, then the cluster around")
  func search() throws {
    let folder = try TemporaryFolder()
    try folder.write(".kube/config", Self.kubeconfig())
    #expect(try ClientConfiguration.load(environment: ["HOME": folder.path]).server == "https://10.0.0.1:6443")
    let error = #expect(throws: ConfigurationError.self) {
      try ClientConfiguration.load(environment: ["HOME": "\(folder.path)/nobody"])
    }
    #expect(error?.code == .notFound)
    #expect(error?.message.contains("nobody/.kube/config") == true)
  }

  @Test("In a cluster, the service account's files lead to the API server")
  func inCluster() throws {
    let folder = try TemporaryFolder()
    let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
    let missing = #expect(throws: ConfigurationError.self) {
      try ClientConfiguration.inCluster(environment: environment, folder: folder.path)
    }
    #expect(missing?.source == "\(folder.path)/token")
    for (name, text) in [("token", "t"), ("ca.crt", "CA"), ("namespace", "shop\n")] { try folder.write(name, text) }
    let configuration = try ClientConfiguration.inCluster(environment: environment, folder: folder.path)
    #expect(configuration.server == "https://[fd00::1]:443")
    #expect(configuration.authorities == .file("\(folder.path)/ca.crt"))
    #expect(configuration.credentials.token == .file("\(folder.path)/token"))
    #expect(configuration.namespace == "shop")
    let outside = #expect(throws: ConfigurationError.self) {
      try ClientConfiguration.inCluster(environment: [:], folder: folder.path)
    }
    #expect(outside?.code == .notFound)
    #expect(outside?.source == "KUBERNETES_SERVICE_HOST")
  }

  /// A kubeconfig that is wrong, and what the error says besides the file.
  static let wrong: [(String, String)] = [
    ("clusters: [", "YAML"),
    ("- a\n- b", "expected"),
    ("clusters: {c: d}", "clusters"),
    ("clusters: [{cluster: {server: x}}]", "clusters[0].name"),
    ("users: [{name: u}]", "users[0].user"),
    ("kind: Config", "current-context"),
    ("current-context: missing\ncontexts: [{name: a, context: {}}, {name: b, context: {}}]", "expected one of a, b"),
    ("current-context: a\ncontexts: [{name: a, context: {cluster: gone}}]", #"contexts["a"].context.cluster"#),
    (
      "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: gone}}]\n"
        + "clusters: [{name: c, cluster: {server: 'https://h'}}]", #"contexts["a"].context.user"#
    ),
    (kubeconfig().replacing("https://10.0.0.1:6443/", with: ""), #"clusters["c"].cluster.server"#),
    (kubeconfig().replacing("https://10.0.0.1:6443/", with: "ftp://h"), #"clusters["c"].cluster.server"#),
    (kubeconfig(cluster: "insecure-skip-tls-verify: sure"), "insecure-skip-tls-verify"),
    (kubeconfig(cluster: "certificate-authority: gone.crt"), #"clusters["c"].cluster.certificate-authority"#),
    (kubeconfig(cluster: "certificate-authority-data: '***'"), "certificate-authority-data"),
    (
      kubeconfig(cluster: "insecure-skip-tls-verify: true, certificate-authority-data: \(data)"),
      "insecure-skip-tls-verify"
    ),
    (kubeconfig(cluster: "proxy-url: 'ssh://p'"), "proxy-url"),
    (kubeconfig(user: "client-certificate-data: \(data)"), #"users["u"].user.client-key"#),
    (kubeconfig(user: "client-key-data: \(data)"), #"users["u"].user.client-certificate"#),
    (kubeconfig(user: "tokenFile: gone"), "tokenFile"),
    (kubeconfig(user: "token: [a]"), "token"),
    (kubeconfig(user: "auth-provider: {name: gcp}"), "auth-provider"),
    (kubeconfig(user: "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"), "exec.apiVersion"),
    (kubeconfig(user: "exec: {apiVersion: client.authentication.k8s.io/v1}"), "exec.command"),
    (
      kubeconfig(user: "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Always}"),
      "exec.interactiveMode"
    ),
  ]

  @Test("A kubeconfig that is wrong is refused with its file and field", arguments: wrong)
  func errors(text: String, expected: String) throws {
    let folder = try TemporaryFolder()
    let error = try #require(throws: ConfigurationError.self) { try configuration(text, in: folder) }
    #expect(error.description.contains("\(folder.path)/config"), "\(error)")
    #expect(error.description.contains(expected), "\(error)")
  }

  @Test("A damaged kubeconfig is refused or read, and never crashes")
  func fuzz() {
    var generator = SeededGenerator(seed: 8)
    let text = Array(
      Self.kubeconfig(cluster: "tls-server-name: a", user: "token: t, as-groups: [a], as-user-extra: {k: [v]}").utf8)
    for _ in 0..<1000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...5, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        if Bool.random(using: &generator) {
          bytes[index] = Array("{}[]\",:&*!|>-\n \0\u{FF}".utf8).randomElement(using: &generator) ?? 0
        } else {
          bytes.removeSubrange(index..<min(bytes.count, index + 3))
        }
      }
      do {
        let document = try Kubeconfig.Document(parsing: bytes, file: "fuzz")
        _ = try Kubeconfig(merging: [document]).configuration(context: nil)
      } catch {
        #expect(error.source.hasPrefix("fuzz"))
      }
    }
  }

  @Test("A kubeconfig that is named must be there")
  func missingFile() {
    let error = #expect(throws: ConfigurationError.self) {
      try ClientConfiguration.load(kubeconfig: "/nowhere/config", environment: [:])
    }
    #expect(error?.source == "/nowhere/config")
  }
}
