import Connections
import Formats
import Foundation

/// What an ``ExecPlugin`` has given.
struct ExecCredential: Hashable {
  var token: String?
  var identity: TransportSecurity.Identity?
  /// When it ceases to hold; nil for never.
  var expiry: Timestamp?
}

extension ExecPlugin {
  /// How long the program may take.
  private static let timeout = Duration.seconds(60)

  /// Runs the program.
  ///
  /// Throws ``ConfigurationError``.
  func run(
    for configuration: ClientConfiguration, authorities: [UInt8]?
  ) async throws(ConfigurationError) -> ExecCredential {
    let result: ChildProcess.Result
    do {
      var environment = ProcessInfo.processInfo.environment.merging(self.environment) { $1 }
      environment["KUBERNETES_EXEC_INFO"] = try info(for: configuration, authorities)
      result = try await ChildProcess(
        command: command, arguments: arguments, environment: environment, timeout: Self.timeout
      ).run()
    } catch {
      throw failure("\(error)\(installHint.map { ". \($0.trimmingSpace)" } ?? "")")
    }
    guard result.status == 0 else {
      let said = String(decoding: result.messages.suffix(400), as: UTF8.self).trimmingSpace
      throw failure("ended with status \(result.status)\(said.isEmpty ? "" : ": \(said)")")
    }
    return try credential(parsing: result.output)
  }

  /// Reads what the program has written.
  func credential(parsing bytes: [UInt8]) throws(ConfigurationError) -> ExecCredential {
    let answer: Answer
    do {
      answer = try JSONDecoder().decode(Answer.self, from: Data(bytes))
    } catch {
      // Nothing of what was written may come into an error: it may be a secret.
      throw failure("wrote \(bytes.count) bytes that are no ExecCredential")
    }
    guard answer.kind == "ExecCredential", answer.apiVersion == version.rawValue else {
      throw failure("wrote a \(answer.kind) of \(answer.apiVersion), expected an ExecCredential of \(version.rawValue)")
    }
    var credential = ExecCredential(token: answer.status?.token)
    if let text = answer.status?.expirationTimestamp {
      guard let expiry = Timestamp(text) else { throw failure("wrote the expirationTimestamp '\(text.prefix(40))'") }
      credential.expiry = expiry
    }
    switch (answer.status?.clientCertificateData, answer.status?.clientKeyData) {
    case (let certificate?, let key?):
      credential.identity = .init(certificate: Array(certificate.utf8), key: Array(key.utf8))
    case (nil, nil): break
    default: throw failure("wrote a certificate without key, or a key without certificate")
    }
    guard credential.token?.isEmpty == false || credential.identity != nil else {
      throw failure("wrote neither a token nor a certificate")
    }
    return credential
  }

  private struct Answer: Decodable {
    struct Status: Decodable {
      var expirationTimestamp: String?
      var token: String?
      var clientCertificateData: String?
      var clientKeyData: String?
    }

    var apiVersion: String
    var kind: String
    var status: Status?
  }

  /// What the program finds in its environment.
  private func info(for configuration: ClientConfiguration, _ authorities: [UInt8]?) throws -> String {
    var spec: JSONValue = ["interactive": false]
    if isToldCluster {
      var cluster: JSONValue = ["server": .string(configuration.server)]
      cluster["certificate-authority-data"] = authorities.map { .string(Data($0).base64EncodedString()) }
      cluster["tls-server-name"] = configuration.serverName.map(JSONValue.string)
      cluster["proxy-url"] = configuration.proxy.map(JSONValue.string)
      if configuration.skipsVerification { cluster["insecure-skip-tls-verify"] = true }
      spec["cluster"] = cluster
    }
    let info: JSONValue = ["apiVersion": .string(version.rawValue), "kind": "ExecCredential", "spec": spec]
    return String(decoding: try JSONEncoder().encode(info), as: UTF8.self)
  }

  private func failure(_ message: String) -> ConfigurationError {
    ConfigurationError(code: .plugin, source: source, message: "\(command): \(message)")
  }
}
