import CMosquitto
package import Daemon
import Foundation
package import Logging
import ServiceLifecycle
import Synchronization

/// A connection to an MQTT broker, which is made again whenever it breaks.
///
/// libmosquitto connects, and connects again, on a thread of its own; what is heard is told on that thread.
package final class BrokerConnection: Service, HealthSource {
  private struct Subscription: Sendable {
    var filter: String
    var quality: BrokerMessage.Quality
    var hear: @Sendable (BrokerMessage) -> Void
  }

  /// A client of libmosquitto.
  ///
  /// Unchecked, because it is a pointer; libmosquitto locks what is behind it.
  private struct Client: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  private struct State {
    var subscriptions: [Subscription] = []
    /// Who speaks to the broker while it is connected.
    var client: Client?
    var fault: String? = "not connected yet"
  }

  private let configuration: BrokerConfiguration
  private let name: String
  private let lastWill: BrokerMessage?
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes a connection, which is not made before ``run()``.
  ///
  /// - Parameters:
  ///   - configuration: The broker.
  ///   - name: What it is called in reports of health.
  ///   - lastWill: What the broker is to say when this side is gone without a word; nil for nothing.
  ///   - logger: Where it is told that the broker comes and goes.
  ///
  /// Throws ``MessagingError`` where the configuration cannot be.
  package init(
    _ configuration: BrokerConfiguration, name: String = "mqtt", lastWill: BrokerMessage? = nil, logger: Logger
  ) throws(MessagingError) {
    if let fault = configuration.fault {
      throw MessagingError(code: .badConfiguration, message: "MQTT broker \(Self.text(configuration)): \(fault)")
    }
    self.configuration = configuration
    self.name = name
    self.lastWill = lastWill
    self.logger = logger
  }

  /// Hears the messages of topics, now and whenever the connection is made again. It stays for as long as the connection.
  ///
  /// - Parameters:
  ///   - filter: The topics: `+` stands for a level, `#` at the end for all that follows.
  ///   - quality: At most how hard the broker is to try to deliver.
  ///   - hear: Is called on the connection's thread, with one message after the other; it must not wait.
  package func subscribe(
    to filter: String, quality: BrokerMessage.Quality = .atLeastOnce,
    _ hear: @escaping @Sendable (BrokerMessage) -> Void
  ) {
    state.withLock { state in
      state.subscriptions.append(Subscription(filter: filter, quality: quality, hear: hear))
      if let client = state.client?.pointer { _ = mosquitto_subscribe(client, nil, filter, quality.rawValue) }
    }
  }

  /// Publishes a message. Answers false, and forgets the message, where there is no connection: what was true when it
  /// broke may not be when it is made again.
  @discardableResult
  package func publish(_ message: BrokerMessage) -> Bool {
    state.withLock { state in
      guard let client = state.client?.pointer, let length = Int32(exactly: message.payload.count) else {
        return false
      }
      let status = message.payload.withUnsafeBytes { bytes in
        mosquitto_publish(
          client, nil, message.topic, length, bytes.baseAddress, message.quality.rawValue, message.isRetained)
      }
      return status == MOSQ_ERR_SUCCESS.rawValue
    }
  }

  /// Whether the broker is there.
  package var isConnected: Bool { state.withLock { $0.client != nil } }

  /// Never keeps a process from being ready: it goes on without.
  package func report() -> HealthReport {
    HealthReport(name: name, isReady: true, fault: state.withLock { $0.fault })
  }

  /// Keeps the connection until the service is to end. The last will is then not said.
  package func run() async throws {
    _ = Self.library
    guard let client = mosquitto_new(nil, true, Unmanaged.passUnretained(self).toOpaque()) else {
      throw MessagingError(code: .library, message: "MQTT: there is no memory for a client")
    }
    // This frame holds the connection, which so outlives the client.
    defer { mosquitto_destroy(client) }
    try secure(client)
    if let lastWill {
      let status = lastWill.payload.withUnsafeBytes { bytes in
        mosquitto_will_set(
          client, lastWill.topic, Int32(clamping: bytes.count), bytes.baseAddress, lastWill.quality.rawValue,
          lastWill.isRetained)
      }
      try check(status, "last will")
    }
    setCallbacks(client)
    mosquitto_reconnect_delay_set(client, Self.waits.lowerBound, Self.waits.upperBound, true)
    guard try await connectFirst(Client(pointer: client)) else { return }
    try check(mosquitto_loop_start(client), "start")
    try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(1 << 40)) }
    mosquitto_disconnect(client)
    mosquitto_loop_stop(client, false)
    // Only now nothing can make it known again.
    state.withLock { $0.client = nil }
  }

  private static let library: Int32 = mosquitto_lib_init()

  /// Seconds between two attempts to connect.
  private static let waits: ClosedRange<UInt32> = 1...30

  /// Connects for the first time, which the library tries but once. Answers whether it could before it was to end.
  private func connectFirst(_ client: Client) async throws(MessagingError) -> Bool {
    var wait = Self.waits.lowerBound
    while true {
      let (host, port) = (configuration.host, Int32(clamping: configuration.port))
      // Looking up a name takes as long as it takes, which is nothing for the threads that tasks share.
      let (status, fault) = await withCheckedContinuation { answer in
        Thread.detachNewThread {
          let status = mosquitto_connect_async(client.pointer, host, port, 15)
          // Read at once: whatever is called next may change it.
          let cause = errno
          let text =
            status == MOSQ_ERR_ERRNO.rawValue
            ? String(cString: strerror(cause)) : String(cString: mosquitto_strerror(status))
          answer.resume(returning: (status, text))
        }
      }
      if status == MOSQ_ERR_SUCCESS.rawValue { return true }
      // Trying again does not mend an argument.
      if status == MOSQ_ERR_INVAL.rawValue { throw self.fault("connect", status) }
      disconnected(fault)
      let seconds = wait
      let goesOn: Void? = try? await cancelWhenGracefulShutdown {
        try await Task.sleep(for: .seconds(Int(clamping: seconds)))
      }
      if goesOn == nil { return false }
      wait = min(2 * wait, Self.waits.upperBound)
    }
  }

  private func secure(_ client: OpaquePointer) throws(MessagingError) {
    if let user = configuration.user {
      var password: String?
      if let file = configuration.passwordFile {
        guard let data = FileManager.default.contents(atPath: file) else {
          throw MessagingError(code: .badConfiguration, message: "\(file): the file cannot be read")
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

  private func check(_ status: Int32, _ what: String) throws(MessagingError) {
    guard status == 0 else { throw fault(what, status) }
  }

  private func fault(_ what: String, _ status: Int32) -> MessagingError {
    MessagingError(
      code: .library,
      message: "MQTT broker \(Self.text(configuration)): \(what): \(String(cString: mosquitto_strerror(status)))")
  }

  private static func text(_ configuration: BrokerConfiguration) -> String {
    "\(configuration.host):\(configuration.port)"
  }
}

// MARK: - What the library tells

extension BrokerConnection {
  private func setCallbacks(_ client: OpaquePointer) {
    mosquitto_connect_callback_set(client) { client, context, code in
      guard let client, let context else { return }
      let connection = Unmanaged<BrokerConnection>.fromOpaque(context).takeUnretainedValue()
      if code == 0 {
        connection.connected(Client(pointer: client))
      } else {
        connection.disconnected(String(cString: mosquitto_connack_string(code)))
      }
    }
    mosquitto_disconnect_callback_set(client) { _, context, code in
      guard let context, code != 0 else { return }
      Unmanaged<BrokerConnection>.fromOpaque(context).takeUnretainedValue().disconnected(
        String(cString: mosquitto_strerror(code)))
    }
    mosquitto_message_callback_set(client) { _, context, message in
      guard let context, let message = message?.pointee, let topic = message.topic else { return }
      let payload = UnsafeRawBufferPointer(start: message.payload, count: max(0, Int(clamping: message.payloadlen)))
      Unmanaged<BrokerConnection>.fromOpaque(context).takeUnretainedValue().heard(
        BrokerMessage(
          topic: String(cString: topic), payload: [UInt8](payload), isRetained: message.retain,
          quality: message.qos == 0 ? .atMostOnce : .atLeastOnce))
    }
  }

  private func connected(_ client: Client) {
    state.withLock { state in
      state.client = client
      state.fault = nil
      for subscription in state.subscriptions {
        mosquitto_subscribe(client.pointer, nil, subscription.filter, subscription.quality.rawValue)
      }
    }
    logger.notice("The MQTT broker is there")
  }

  private func disconnected(_ fault: String) {
    state.withLock { state in
      state.client = nil
      state.fault = fault
    }
    logger.warning("The MQTT broker is away", metadata: ["error": "\(fault)"])
  }

  private func heard(_ message: BrokerMessage) {
    for subscription in state.withLock({ $0.subscriptions }) {
      var matches = false
      guard mosquitto_topic_matches_sub(subscription.filter, message.topic, &matches) == 0, matches else { continue }
      subscription.hear(message)
    }
  }
}
