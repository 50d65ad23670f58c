/// A message that goes through a broker.
package struct BrokerMessage: Hashable, Sendable {
  /// How hard the broker tries to deliver a message.
  package enum Quality: Int32, Hashable, Sendable {
    /// Once, or never where a connection breaks meanwhile.
    case atMostOnce = 0
    /// Until it arrived, perhaps several times.
    case atLeastOnce = 1
  }

  /// Its topic: levels with `/` between them, without the wildcards `+` and `#`.
  package var topic: String
  /// What it says. Nothing at all, retained, takes away what the broker keeps of the topic.
  package var payload: [UInt8]
  /// Whether the broker is to keep it for those who subscribe later; of one that is heard, whether it was kept so.
  package var isRetained: Bool
  /// How hard the broker tries to deliver it.
  package var quality: Quality

  /// Makes a message.
  package init(topic: String, payload: [UInt8], isRetained: Bool = false, quality: Quality = .atMostOnce) {
    self.topic = topic
    self.payload = payload
    self.isRetained = isRetained
    self.quality = quality
  }

  /// Whether a text can be a level of a topic: it is not empty, and without `/`, the wildcards and zero bytes.
  package static func isLevel(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && !text.utf8.contains { "/+#\0".utf8.contains($0) }
  }
}
