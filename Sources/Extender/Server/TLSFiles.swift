import Files
import Foundation
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// Where a server's certificates are.
public struct TLSFiles: Hashable, Sendable {
  /// The certificate chain, as PEM.
  public var certificate: String
  /// Its private key, as PEM.
  public var key: String
  /// The authorities that clients' certificates must come from, as PEM; nil to take any client.
  public var clientAuthority: String?

  /// Names the files.
  public init(certificate: String, key: String, clientAuthority: String? = nil) {
    self.certificate = certificate
    self.key = key
    self.clientAuthority = clientAuthority
  }

  /// Why certificates cannot be used.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which file, and what is wrong with it.
    public var description: String
  }

  /// All files.
  var paths: [String] { [certificate, key] + [clientAuthority].compactMap { $0 } }

  /// Reads the files.
  func context() throws(Failure) -> NIOSSLContext {
    func reading<Value>(_ path: String, _ read: () throws -> Value) throws(Failure) -> Value {
      do { return try read() } catch { throw Failure(description: "\(path): cannot be used: \(error)") }
    }
    let chain = try reading(certificate) { try NIOSSLCertificate.fromPEMFile(certificate) }
    let privateKey = try reading(key) { try NIOSSLPrivateKey(file: key, format: .pem) }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
    configuration.minimumTLSVersion = .tlsv12
    if let clientAuthority {
      let authorities = try reading(clientAuthority) { try NIOSSLCertificate.fromPEMFile(clientAuthority) }
      configuration.trustRoots = .certificates(authorities)
      configuration.certificateVerification = .noHostnameVerification
    }
    return try reading("\(certificate), \(key)") { try NIOSSLContext(configuration: configuration) }
  }
}

/// Certificates that are read again when their files change. What cannot be used does not replace what can.
final class ReloadingCertificates: Service {
  private struct State {
    var context: NIOSSLContext
    var stamps: [FileStamp?]
  }

  private let files: TLSFiles
  private let logger: Logger
  private let state: Mutex<State>

  init(_ files: TLSFiles, logger: Logger) throws(TLSFiles.Failure) {
    self.files = files
    self.logger = logger
    let stamps = files.paths.map(FileStamp.init(path:))
    state = Mutex(State(context: try files.context(), stamps: stamps))
  }

  /// What new connections are to use.
  var context: NIOSSLContext { state.withLock { $0.context } }

  func run() async throws {
    await everySecond { self.reload() }
  }

  /// Reads the files again where they have changed.
  func reload() {
    let stamps = files.paths.map(FileStamp.init(path:))
    guard stamps != state.withLock({ $0.stamps }) else { return }
    do {
      let context = try files.context()
      state.withLock { $0 = State(context: context, stamps: stamps) }
      logger.notice("Certificates have been read again")
    } catch {
      state.withLock { $0.stamps = stamps }
      logger.error("Changed certificates cannot be used; the old ones stay", metadata: ["error": "\(error)"])
    }
  }
}

/// TLS with whatever certificates there are when a connection comes in.
struct ReloadingTLSChannel<Base: ServerChildChannel>: ServerChildChannel {
  private let base: Base
  private let certificates: ReloadingCertificates

  init(_ base: Base, _ certificates: ReloadingCertificates) {
    self.base = base
    self.certificates = certificates
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: certificates.context))
    }.flatMap {
      base.setup(channel: channel, logger: logger)
    }
  }

  func handle(value: Base.Value, logger: Logger) async {
    await base.handle(value: value, logger: logger)
  }
}
