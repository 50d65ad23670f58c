import ArgumentParser
import Connections

/// Certificates of a server.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The server's certificate chain, as PEM; read again when it changes.", valueName: "file"),
    completion: .file()
  )
  var tlsCert: String?

  @Option(help: ArgumentHelp("Its private key, as PEM.", valueName: "file"), completion: .file())
  var tlsKey: String?

  @Option(
    help: ArgumentHelp("Take only clients whose certificates come from these authorities, as PEM.", valueName: "file"),
    completion: .file()
  )
  var clientCa: String?

  func validate() throws {
    if (tlsCert == nil) != (tlsKey == nil) { throw ValidationError("--tls-cert and --tls-key: expected both or none") }
    if clientCa != nil, tlsCert == nil {
      throw ValidationError("--client-ca: expected --tls-cert and --tls-key with it")
    }
  }

  /// The files; nil for plain HTTP.
  var files: TLSFiles? {
    guard let tlsCert, let tlsKey else { return nil }
    return TLSFiles(certificate: tlsCert, key: tlsKey, clientAuthority: clientCa)
  }
}
