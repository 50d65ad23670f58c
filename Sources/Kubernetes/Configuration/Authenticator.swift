import Connections
import Formats
import Foundation
import Model

/// Has what each request shows of who we are, and keeps it fresh: files are read again as they change, plugins run
/// again as their credentials expire or are refused.
actor Authenticator {
  /// What requests show, at the moment.
  struct Session: Hashable, Sendable {
    var headers: [OutgoingRequest.Header] = []
    var security = TransportSecurity()
    /// How often credentials have been renewed before.
    fileprivate var generation = 0
  }

  /// How long what was read of a file is taken for what is in it.
  private static let freshness = Duration.seconds(10)
  /// How long before its end a plugin's credential is replaced.
  private static let leeway: Int64 = 10_000_000

  private let configuration: ClientConfiguration
  private var files: [String: (bytes: [UInt8], readAt: ContinuousClock.Instant)] = [:]
  private var generation = 0
  private var credential: ExecCredential?
  /// The run of the plugin that is under way, for all who wait for it.
  private var pluginRun: Task<ExecCredential, any Error>?

  init(_ configuration: ClientConfiguration) {
    self.configuration = configuration
  }

  /// What to show. Throws ``ConfigurationError`` where it cannot be had.
  func session() async throws -> Session {
    let credentials = configuration.credentials
    var session = Session(generation: generation)
    session.security = TransportSecurity(
      authorities: try configuration.authorities.map(bytes), serverName: configuration.serverName,
      skipsVerification: configuration.skipsVerification)
    if let certificate = credentials.certificate {
      session.security.identity = .init(
        certificate: try bytes(certificate.certificate), key: try bytes(certificate.key))
    }
    if let token = credentials.token {
      let text = String(decoding: try bytes(token), as: UTF8.self).trimmingSpace
      session.headers.append(.init("Authorization", "Bearer \(text)"))
    } else if let plugin = credentials.plugin {
      let credential = try await credential(of: plugin, session.security.authorities)
      session.generation = generation
      if let token = credential.token { session.headers.append(.init("Authorization", "Bearer \(token)")) }
      if let identity = credential.identity { session.security.identity = identity }
    } else if let password = credentials.password {
      session.headers.append(.init("Authorization", "Basic \(Data(password.utf8).base64EncodedString())"))
    }
    if let impersonation = credentials.impersonation { session.headers += Self.headers(impersonation) }
    return session
  }

  /// Gets other credentials after some were refused; false where there are no others.
  func renew(after refused: Session) async -> Bool {
    if refused.generation == generation {
      generation += 1
      files = [:]
      credential = nil
    }
    guard var session = try? await session() else { return false }
    session.generation = refused.generation
    return session != refused
  }

  private func bytes(_ material: ClientConfiguration.Material) throws(ConfigurationError) -> [UInt8] {
    switch material {
    case .data(let bytes): return bytes
    case .file(let path):
      let now = ContinuousClock.now
      let known = files[path]
      if let known, known.readAt + Self.freshness > now { return known.bytes }
      do {
        let bytes = try ClientConfiguration.contents(of: path)
        files[path] = (bytes, now)
        return bytes
      } catch {
        // While a file is being replaced it may be missing for a moment.
        guard let known else { throw error }
        return known.bytes
      }
    }
  }

  private func credential(of plugin: ExecPlugin, _ authorities: [UInt8]?) async throws -> ExecCredential {
    let now = Int64(saturating: Date().timeIntervalSince1970 * 1_000_000)
    if let credential, (credential.expiry?.microseconds ?? .max) - Self.leeway > now { return credential }
    if let pluginRun { return try await pluginRun.value }
    let run = Task { [configuration] in try await plugin.run(for: configuration, authorities: authorities) }
    pluginRun = run
    defer { pluginRun = nil }
    let credential = try await run.value
    self.credential = credential
    return credential
  }

  private static func headers(_ impersonation: Credentials.Impersonation) -> [OutgoingRequest.Header] {
    var headers = [OutgoingRequest.Header("Impersonate-User", impersonation.user)]
    if let uid = impersonation.uid { headers.append(.init("Impersonate-Uid", uid)) }
    headers += impersonation.groups.map { .init("Impersonate-Group", $0) }
    for (key, values) in impersonation.extra.sorted(by: { $0.key < $1.key }) {
      headers += values.map { .init("Impersonate-Extra-\(percentEncoded(key))", $0) }
    }
    return headers
  }
}
