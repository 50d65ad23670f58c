/// How to reach an MQTT broker.
package struct BrokerConfiguration: Hashable, Sendable {
  /// The broker's host.
  package var host: String
  /// Its port.
  package var port: Int
  /// The user; nil for none.
  package var user: String?
  /// The file with the user's password, as its first line; nil for none.
  package var passwordFile: String?
  /// The file with the authorities that vouch for the broker, as PEM; nil for a connection without TLS.
  package var authorityFile: String?
  /// This side's certificate chain and private key, as PEM; nil for none.
  package var certificateFile: String?
  /// The private key of the certificate.
  package var keyFile: String?

  /// Makes a configuration.
  package init(host: String, port: Int = 1883) {
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
