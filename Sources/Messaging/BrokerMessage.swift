/// A message that goes through a broker.
public struct BrokerMessage: Hashable, Sendable {
  /// How hard the broker tries to deliver a message.
  public enum Quality: Int32, Hashable, Sendable {
    /// Once, or never where a connection breaks meanwhile.
    case atMostOnce = 0
    /// Until it arrived, perhaps several times.
    case atLeastOnce = 1
  }

  /// Its topic: levels with `/` between them, without the wildcards `+` and `#`.
  public var topic: String
  /// What it says. Nothing at all, retained, takes away what the broker keeps of the topic.
  public var payload: [UInt8]
  /// Whether the broker is to keep it for those who subscribe later; of one that is heard, whether it was kept so.
  public var isRetained: Bool
  /// How hard the broker tries to deliver it.
  public var quality: Quality

  /// Makes a message.
  public init(topic: String, payload: [UInt8], isRetained: Bool = false, quality: Quality = .atMostOnce) {
    self.topic = topic
    self.payload = payload
    self.isRetained = isRetained
    self.quality = quality
  }

  /// Whether a text can be a level of a topic: it is not empty, and without `/`, the wildcards and zero bytes.
  public static func isLevel(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && !text.utf8.contains { "/+#\0".utf8.contains($0) }
  }
}
