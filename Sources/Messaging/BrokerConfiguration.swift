/// How to reach an MQTT broker.
public struct BrokerConfiguration: Hashable, Sendable {
  /// The broker's host.
  public var host: String
  /// Its port.
  public var port: Int
  /// The user; nil for none.
  public var user: String?
  /// The file with the user's password, as its first line; nil for none.
  public var passwordFile: String?
  /// The file with the authorities that vouch for the broker, as PEM; nil for a connection without TLS.
  public var authorityFile: String?
  /// This side's certificate chain and private key, as PEM; nil for none.
  public var certificateFile: String?
  /// The private key of the certificate.
  public var keyFile: String?

  /// Makes a configuration.
  public init(host: String, port: Int = 1883) {
    self.host = host
    self.port = port
  }

  /// What is wrong with it; nil where nothing is.
  var fault: String? {
    if host.isEmpty || !(1...65535).contains(port) { return "expected a host and a port" }
    if (certificateFile == nil) != (keyFile == nil) { return "expected certificate and key, or none of them" }
    if certificateFile != nil, authorityFile == nil { return "expected the broker's authorities with a certificate" }
    return nil
  }
}
