import Formats
package import Logging
import NIOCertificateReloading
package import NIOSSL
import ServiceLifecycle
import Synchronization

/// Certificates that are read again when their files change. What cannot be used does not replace what can.
package final class ReloadingCertificates: Service, CertificateReloader {
  private struct State {
    var contents: TLSFiles.Contents
    var stamps: [FileStamp?]
  }

  private let files: TLSFiles
  private let applicationProtocols: [String]
  private let logger: Logger
  private let state: Mutex<State>

  /// Reads the files. Throws where they cannot be used.
  ///
  /// - Parameter applicationProtocols: what ``context`` offers to speak (ALPN), the preferred first; none to leave it open.
  package init(_ files: TLSFiles, applicationProtocols: [String] = [], logger: Logger) throws(TLSFiles.Failure) {
    self.applicationProtocols = applicationProtocols
    self.files = files
    self.logger = logger
    let stamps = files.paths.map(FileStamp.init(path:))
    state = Mutex(State(contents: try files.read(applicationProtocols), stamps: stamps))
  }

  /// What new connections are to use.
  package var context: NIOSSLContext { state.withLock { $0.contents.context } }

  /// The chain and the key that new connections are to use.
  package var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
    state.withLock { $0.contents.override }
  }

  /// Looks at the files once a second.
  package func run() async throws {
    try? await cancelWhenGracefulShutdown {
      while true {
        try await Task.sleep(for: .seconds(1))
        self.reload()
      }
    }
  }

  /// Reads the files again where they have changed.
  package func reload() {
    let stamps = files.paths.map(FileStamp.init(path:))
    guard stamps != state.withLock({ $0.stamps }) else { return }
    do {
      let contents = try files.read(applicationProtocols)
      state.withLock { $0 = State(contents: contents, stamps: stamps) }
      logger.notice("Certificates have been read again")
    } catch {
      state.withLock { $0.stamps = stamps }
      logger.error("Changed certificates cannot be used; the old ones stay", metadata: ["error": "\(error)"])
    }
  }
}
