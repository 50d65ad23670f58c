import ArgumentParser
import ClusterHeadroom
import Logging
import Messaging
import OverflowController

/// Where clusters tell each other what room they have.
struct HeadroomOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Tell and hear what room there is through this MQTT broker, under tonari/headroom/<cluster>/<namespace>/<service>.",
      valueName: "host:port"),
    transform: ListenAddress.init
  )
  var mqtt: ListenAddress?

  @Option(help: ArgumentHelp("The user at the MQTT broker.", valueName: "name"))
  var mqttUser: String?

  @Option(help: ArgumentHelp("The file with the user's password.", valueName: "file"), completion: .file())
  var mqttPasswordFile: String?

  @Option(
    help: ArgumentHelp("The authorities that vouch for the MQTT broker, as PEM; without, no TLS.", valueName: "file"),
    completion: .file()
  )
  var mqttCa: String?

  @Option(
    help: ArgumentHelp("This process's certificate for the broker, as PEM.", valueName: "file"), completion: .file())
  var mqttCert: String?

  @Option(help: ArgumentHelp("The certificate's private key.", valueName: "file"), completion: .file())
  var mqttKey: String?

  func validate() throws {
    if mqtt == nil, [mqttUser, mqttPasswordFile, mqttCa, mqttCert, mqttKey].contains(where: { $0 != nil }) {
      throw ValidationError("--mqtt-user, -password-file, -ca, -cert, -key: expected --mqtt with them")
    }
    if mqttPasswordFile != nil, mqttUser == nil {
      throw ValidationError("--mqtt-password-file: expected --mqtt-user with it")
    }
  }

  /// The exchange; nil where there is no broker.
  func exchange(cluster: String, logger: Logger) throws -> BrokerExchange? {
    guard let mqtt else { return nil }
    var configuration = BrokerConfiguration(host: mqtt.host, port: mqtt.port)
    configuration.user = mqttUser
    configuration.passwordFile = mqttPasswordFile
    configuration.authorityFile = mqttCa
    configuration.certificateFile = mqttCert
    configuration.keyFile = mqttKey
    return try BrokerExchange(configuration, cluster: cluster, logger: logger)
  }
}
