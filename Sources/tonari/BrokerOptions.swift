import ArgumentParser
import Connections
import Logging

/// An MQTT broker, and whom to believe there.
struct BrokerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Tell and hear through this MQTT broker.",
      discussion: """
        What room services have, under tonari/headroom/<cluster>/<namespace>/<service>; a selector also hears the load of \
        replicas, under tonari/load/<cluster>/<replica>. Give each cluster a user that may write its own topics alone: \
        manifests/mqtt/mosquitto.acl.
        """,
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

  @Option(
    help: ArgumentHelp(
      "Sign what is published, with this Ed25519 key as PEM, where the broker is not trusted.",
      discussion: "openssl genpkey -algorithm ed25519 -out edge-a.key", valueName: "file"),
    completion: .file()
  )
  var mqttSignKey: String?

  @Option(
    help: ArgumentHelp(
      "Believe only what clusters signed whose public keys are in this file.",
      discussion: """
        YAML, a line for each: 'edge-b: MCowBQYDK2VwAyEA…', what openssl pkey -in edge-b.key -pubout writes between its first \
        and its last line. Clocks must agree within seconds.
        """,
      valueName: "file"),
    completion: .file(extensions: ["yaml"])
  )
  var mqttTrust: String?

  func validate() throws {
    let others = [mqttUser, mqttPasswordFile, mqttCa, mqttCert, mqttKey, mqttSignKey, mqttTrust]
    if mqtt == nil, others.contains(where: { $0 != nil }) {
      throw ValidationError(
        "--mqtt-user, -password-file, -ca, -cert, -key, -sign-key, -trust: expected --mqtt with them")
    }
    if mqttPasswordFile != nil, mqttUser == nil {
      throw ValidationError("--mqtt-password-file: expected --mqtt-user with it")
    }
  }

  /// The broker; nil for none.
  var broker: BrokerConfiguration? {
    guard let mqtt else { return nil }
    var configuration = BrokerConfiguration(host: mqtt.host, port: mqtt.port)
    configuration.user = mqttUser
    configuration.passwordFile = mqttPasswordFile
    configuration.authorityFile = mqttCa
    configuration.certificateFile = mqttCert
    configuration.keyFile = mqttKey
    return configuration
  }

  /// Says what may be read on the way to the broker.
  func warn(_ logger: Logger) {
    guard let mqtt, mqttPasswordFile != nil, mqttCa == nil, !mqtt.isLocal else { return }
    logger.warning(
      "The password goes to the MQTT broker in plain text: --mqtt-ca has it sent by TLS",
      metadata: ["broker": "\(mqtt)"])
  }

  /// Whom to believe, and who signs.
  func authority() throws -> MessageAuthority {
    try MessageAuthority(keyFile: mqttSignKey, trustFile: mqttTrust)
  }
}
