import CMosquitto
public import Dispatching
import Foundation
public import Logging
public import Monitoring
import Selection
public import ServiceLifecycle
import Synchronization

/// Hears the load of replicas from an MQTT broker: retained messages, so that a selector that starts anew knows at once
/// what was said last, and last wills of replicas that are gone.
///
/// libmosquitto connects, and connects again, on a thread of its own.
public final class MQTTFeed: Service, HealthSource {
  /// What the callbacks of libmosquitto see.
  private final class Inbox: Sendable {
    struct State {
      var isConnected = false
      var fault: String? = "not connected yet"
      var refused = 0
    }

    let prefix: String
    let dispatcher: Dispatcher
    let logger: Logger
    let state = Mutex(State())

    init(prefix: String, dispatcher: Dispatcher, logger: Logger) {
      self.prefix = prefix
      self.dispatcher = dispatcher
      self.logger = logger
    }

    func connected(_ fault: String?) {
      state.withLock { state in
        state.isConnected = fault == nil
        state.fault = fault
      }
      if let fault {
        logger.warning("The MQTT broker is away", metadata: ["error": "\(fault)"])
      } else {
        logger.notice("The MQTT broker is there")
      }
    }

    func received(topic: String, payload: [UInt8]) {
      let message: LoadMessage
      do throws(LoadMessage.Fault) {
        message = try LoadMessage(topic: topic, payload: payload, prefix: prefix)
      } catch {
        // Whoever publishes nonsense may do so often; the count tells.
        let count = state.withLock { state in
          state.refused += 1
          return state.refused
        }
        if count.nonzeroBitCount == 1 {
          logger.warning("An MQTT message is of no use", metadata: ["error": "\(error.message)", "count": "\(count)"])
        }
        return
      }
      let now = Moment.now
      dispatcher.set(message.state == .ready ? nil : message.state, of: message.address, in: message.cluster, at: now)
      if let load = message.load { dispatcher.report(load, of: message.address, in: message.cluster, at: now) }
    }
  }

  private let configuration: MQTTConfiguration
  private let inbox: Inbox
  private let logger: Logger

  /// Makes a feed.
  ///
  /// Throws ``StatisticsError`` where the configuration cannot be.
  public init(_ configuration: MQTTConfiguration, _ dispatcher: Dispatcher, logger: Logger) throws(StatisticsError) {
    if let fault = configuration.fault { throw StatisticsError(code: .badAddress, message: "MQTT: \(fault)") }
    self.configuration = configuration
    self.logger = logger
    inbox = Inbox(prefix: configuration.prefix, dispatcher: dispatcher, logger: logger)
  }

  /// Never keeps a selector from being ready: it picks without.
  public func report() -> HealthReport {
    inbox.state.withLock { HealthReport(name: "mqtt", isReady: true, fault: $0.fault) }
  }

  /// Messages that were of no use.
  public var refused: Int { inbox.state.withLock { $0.refused } }

  /// Hears until the service is to end.
  public func run() async throws {
    _ = Self.library
    guard let client = mosquitto_new(nil, true, Unmanaged.passUnretained(inbox).toOpaque()) else {
      throw StatisticsError(code: .badAddress, message: "MQTT: there is no memory for a client")
    }
    // The inbox outlives the client: this frame holds it.
    defer { mosquitto_destroy(client) }
    try secure(client)
    setCallbacks(client)
    mosquitto_reconnect_delay_set(client, 1, 30, true)
    // An error here is one that trying again does not mend, such as an argument; a broker that is away is tried again.
    let status = mosquitto_connect_async(client, configuration.host, Int32(configuration.port), 15)
    if status == MOSQ_ERR_INVAL.rawValue { throw fault("connect", Int32(status)) }
    try check(mosquitto_loop_start(client), "start")
    try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1 << 40)) }
    mosquitto_disconnect(client)
    mosquitto_loop_stop(client, false)
  }

  private static let library: Int32 = mosquitto_lib_init()

  private func secure(_ client: OpaquePointer) throws {
    if let user = configuration.user {
      var password: String?
      if let file = configuration.passwordFile {
        guard let data = FileManager.default.contents(atPath: file) else {
          throw StatisticsError(code: .badAddress, message: "\(file): the file cannot be read")
        }
        password = String(decoding: data, as: UTF8.self).split(separator: "\n").first.map(String.init)
      }
      try check(mosquitto_username_pw_set(client, user, password), "user")
    }
    if let authorities = configuration.authorityFile {
      try check(
        mosquitto_tls_set(client, authorities, nil, configuration.certificateFile, configuration.keyFile, nil), "TLS")
    }
  }

  private func setCallbacks(_ client: OpaquePointer) {
    mosquitto_connect_callback_set(client) { client, context, code in
      guard let client, let context else { return }
      let inbox = Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue()
      guard code == 0 else {
        inbox.connected(String(cString: mosquitto_connack_string(code)))
        return
      }
      mosquitto_subscribe(client, nil, "\(inbox.prefix)/+/+", 1)
      inbox.connected(nil)
    }
    mosquitto_disconnect_callback_set(client) { _, context, code in
      guard let context, code != 0 else { return }
      Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().connected(String(cString: mosquitto_strerror(code)))
    }
    mosquitto_message_callback_set(client) { _, context, message in
      guard let context, let message = message?.pointee, let topic = message.topic else { return }
      let payload = UnsafeRawBufferPointer(start: message.payload, count: max(0, Int(message.payloadlen)))
      Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue().received(
        topic: String(cString: topic), payload: [UInt8](payload))
    }
  }

  private func check(_ status: Int32, _ what: String) throws {
    guard status == 0 else { throw fault(what, status) }
  }

  private func fault(_ what: String, _ status: Int32) -> StatisticsError {
    StatisticsError(
      code: .badAddress,
      message:
        "MQTT broker \(configuration.host):\(configuration.port): \(what): \(String(cString: mosquitto_strerror(status)))"
    )
  }
}
