import ArgumentParser
import Daemon
import Foundation
import Logging
import NodeDriver
import Selection
import ServiceLifecycle

/// Gives each pod of a node a folder of sockets.
struct CSIDriverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "csi-driver",
    abstract: "Give each pod of a node a folder in which the node's selector serves it.",
    discussion: """
      A volume driver (CSI) for inline volumes. A pod that mounts one gets a read-only folder with sockets of its own: \
      selector.sock (framed), picker.sock (Envoy's external processing) and grpc.sock. Kubelet says which pod that is, so \
      a selector (tonari selector --pod-sockets) knows who asks on which socket.

      It runs on each node, as root, and is the one part that is privileged: kubelet must see what it mounts. Selectors \
      run without root; they mount a volume with role "selector", which --selector-service-account allows.

      EXAMPLES
        As manifests/csi has it:
          tonari csi-driver --node-id "$NODE_NAME" --selector-service-account tonari/tonari-selector

        A pod's volume:
          volumes:
          - name: tonari
            csi: {driver: csi.tonari.dev, readOnly: true}

        The selector's:
          volumes:
          - name: pods
            csi: {driver: csi.tonari.dev, volumeAttributes: {role: selector}}

      \(ExitStatus.help)
      """
  )

  @Option(help: ArgumentHelp("The node's name, as kubelet has it.", valueName: "name"))
  var nodeId: String

  @Option(help: ArgumentHelp("The driver's name, as the object CSIDriver has it.", valueName: "name"))
  var driverName = "csi.tonari.dev"

  @Option(
    help: ArgumentHelp(
      "The folder of the pods' folders and identities; of the node, not of the container.", valueName: "folder"),
    completion: .directory)
  var baseDir = "/run/tonari"

  @Option(
    help: ArgumentHelp("Kubelet's folder, the same in the container as on the node.", valueName: "folder"),
    completion: .directory)
  var kubeletDir = "/var/lib/kubelet"

  @Option(
    help: ArgumentHelp(
      "The driver's own socket. (default: plugins/<driver>/csi.sock in kubelet's folder)", valueName: "path"))
  var csiSocket: String?

  @Option(
    help: ArgumentHelp(
      "The socket by which kubelet finds it. (default: plugins_registry/<driver>-reg.sock in kubelet's folder)",
      valueName: "path"))
  var registrationSocket: String?

  @Option(help: ArgumentHelp("The user and the group as which selectors run.", valueName: "uid"))
  var selectorUid: UInt32 = 65532

  @Option(
    help: ArgumentHelp(
      "Pods of this service account may have volumes of role selector; several may be given.",
      valueName: "namespace/name"),
    transform: { text in
      let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, parts[0].isLabel, parts[1].isSubdomain else {
        throw ValidationError("'\(text)': expected namespace/name, such as tonari/tonari-selector")
      }
      return Identity.ServiceAccount(namespace: parts[0], name: parts[1])
    })
  var selectorServiceAccount: [Identity.ServiceAccount] = []

  @Option(
    help: ArgumentHelp("Serve /livez, /readyz and /metrics here. (default: 127.0.0.1:8893)", valueName: "host:port"),
    transform: ListenAddress.init)
  var http = ListenAddress(host: "127.0.0.1", port: 8893)

  @OptionGroup var log: LogOptions
  @OptionGroup var ending: DaemonOptions

  func validate() throws {
    for (option, path) in [("--base-dir", baseDir), ("--kubelet-dir", kubeletDir)] where !path.hasPrefix("/") {
      throw ValidationError("\(option) '\(path)': expected an absolute path")
    }
    guard !nodeId.isEmpty else { throw ValidationError("--node-id: expected the node's name") }
    guard selectorUid != 0, selectorUid != .max else {
      throw ValidationError("--selector-uid \(selectorUid): expected a user without privileges")
    }
  }

  func run() async throws {
    let logger = log.logger("tonari.csi")
    var configuration = VolumeDriver.Configuration(node: nodeId)
    configuration.name = driverName
    configuration.version = Tonari.configuration.version
    configuration.base = baseDir
    configuration.kubelet = kubeletDir
    configuration.socket = csiSocket
    configuration.registration = registrationSocket
    configuration.selectorUser = selectorUid
    configuration.selectors = Set(selectorServiceAccount)
    let driver = try VolumeDriver(configuration, logger: logger)
    let registry = MetricsRegistry()
    driver.register(in: registry)
    let monitoring = MonitoringServer(
      host: http.host, port: http.port,
      routes: HealthRoutes(registry, [driver], stalenessLabel: "tonari_csi_source_staleness_seconds"),
      logger: logger,
      onListening: { [logger, host = http.host] port in
        logger.notice("Serving /readyz and /metrics", metadata: ["address": "\(ListenAddress(host: host, port: port))"])
      })
    try await ending.daemon(monitoring, [driver], logger).run()
  }
}
