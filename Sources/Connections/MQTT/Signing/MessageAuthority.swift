import Crypto
import Formats
import Foundation
import Model
import Synchronization

/// Signs what one cluster publishes, and tells whether what others publish is theirs: for brokers that are not trusted.
///
/// A signed message is JSON: `{"signed": {"payload": "…", "sequence": 1764560000000000, "signature": "…"}}`. The signature
/// (Ed25519, RFC 8032, in base64) is over `tonari-signed-v1`, the topic, the sequence in decimal digits and the payload, with a
/// zero byte between them, so that no message counts under another topic. The sequence is the microseconds since 1970 when it was
/// signed, and one more than the last where that is not later: a message that was heard before, or that is older than
/// ``longestAge``, is not believed. An empty message, as a last will is one, cannot be signed and counts for nothing where
/// signatures are asked for; what its cluster said fades by itself.
package final class MessageAuthority: Sendable {
  /// How old a message may be, in seconds, and how far ahead its signer's clock.
  package static let longestAge = 90.0

  /// Why a message is not believed.
  package struct Fault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    package var description: String
  }

  /// A message as it is meant.
  package struct Opened: Hashable, Sendable {
    /// What it says.
    package var payload: [UInt8]
    /// When it was signed, in seconds since 1970; nil for one whose signature nobody checks.
    package var signedAt: Double?
  }

  /// Topics of which the last sequence is kept. From more on nothing new is believed.
  private static let mostTopics = 100_000

  private let key: Curve25519.Signing.PrivateKey?
  /// Nil where signatures are not asked for.
  private let clusters: [String: Curve25519.Signing.PublicKey]?
  private let state = Mutex(State())

  private struct State {
    var lastSigned: UInt64 = 0
    var lastHeard: [String: UInt64] = [:]
  }

  /// Signs nothing, and asks for no signatures.
  package static let none = MessageAuthority(key: nil, clusters: nil)

  private init(key: Curve25519.Signing.PrivateKey?, clusters: [String: Curve25519.Signing.PublicKey]?) {
    self.key = key
    self.clusters = clusters
  }

  /// Reads keys.
  ///
  /// - Parameters:
  ///   - keyFile: This cluster's private key, as `openssl genpkey -algorithm ed25519` writes it; nil to sign nothing.
  ///   - trustFile: YAML with the public key of each cluster, as `openssl pkey -pubout` writes it, less its first and last line:
  ///     `edge-b: MCowBQYDK2VwAyEA…`; nil to ask for no signatures.
  ///
  /// Throws ``MessagingError`` that names the file and what was expected.
  package convenience init(keyFile: String?, trustFile: String?) throws(MessagingError) {
    let key = try keyFile.map { path throws(MessagingError) in try Self.privateKey(path) }
    let clusters = try trustFile.map { path throws(MessagingError) in try Self.publicKeys(path) }
    self.init(key: key, clusters: clusters)
  }

  /// What goes before a private key in its encoding (RFC 8410), and before a public one.
  private static let privateHead: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]
  private static let publicHead: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]

  private static func privateKey(_ path: String) throws(MessagingError) -> Curve25519.Signing.PrivateKey {
    guard let data = FileManager.default.contents(atPath: path) else { throw fault("\(path): the file cannot be read") }
    let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
    let text = lines.filter { !$0.hasPrefix("-----") }.joined()
    guard let bytes = bytes(text, after: privateHead),
      let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
    else {
      throw fault("\(path): expected an Ed25519 private key as PEM, as 'openssl genpkey -algorithm ed25519' writes it")
    }
    return key
  }

  private static func publicKeys(_ path: String) throws(MessagingError) -> [String: Curve25519.Signing.PublicKey] {
    guard let data = FileManager.default.contents(atPath: path) else { throw fault("\(path): the file cannot be read") }
    var keys: [String: Curve25519.Signing.PublicKey] = [:]
    do throws(FileError) {
      let fields = try YAMLField(text: String(decoding: data, as: UTF8.self), file: path).fields()
      for (cluster, field) in fields {
        guard let bytes = bytes(try field.text(), after: publicHead),
          let key = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)
        else { throw field.error("expected an Ed25519 public key in base64, such as MCowBQYDK2VwAyEA…") }
        keys[cluster] = key
      }
    } catch {
      throw fault("\(error)")
    }
    return keys
  }

  private static func bytes(_ base64: String, after head: [UInt8]) -> Data? {
    guard let data = Data(base64Encoded: base64), data.count == head.count + 32, data.starts(with: head) else {
      return nil
    }
    return data.suffix(32)
  }

  private static func fault(_ message: String) -> MessagingError {
    MessagingError(code: .badConfiguration, message: message)
  }

  // MARK: - Messages

  private struct Envelope: Codable {
    struct Signed: Codable {
      var payload: String
      var sequence: UInt64
      var signature: Data
    }

    var signed: Signed
  }

  private static func statement(_ topic: String, _ sequence: UInt64, _ payload: some Sequence<UInt8>) -> Data {
    var statement = Data("tonari-signed-v1\0\(topic)\0\(sequence)\0".utf8)
    statement.append(contentsOf: payload)
    return statement
  }

  /// A message as it is to be published; as it is where there is no key, or nothing to say.
  ///
  /// - Parameters:
  ///   - payload: Text.
  ///   - now: Seconds since 1970.
  package func seal(_ payload: [UInt8], topic: String, at now: Double) -> [UInt8] {
    guard let key, !payload.isEmpty else { return payload }
    let sequence = state.withLock { state in
      state.lastSigned = max(state.lastSigned &+ 1, UInt64(saturating: min(now, 1e12) * 1e6))
      return state.lastSigned
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let signature = try? key.signature(for: Self.statement(topic, sequence, payload)),
      let sealed = try? encoder.encode(
        Envelope(
          signed: .init(payload: String(decoding: payload, as: UTF8.self), sequence: sequence, signature: signature)))
    else { return payload }
    return [UInt8](sealed)
  }

  /// What a message says, where it is to be believed.
  ///
  /// - Parameters:
  ///   - message: As it was heard.
  ///   - cluster: Whose topic it came under.
  ///   - now: Seconds since 1970.
  package func open(_ message: BrokerMessage, from cluster: String, at now: Double) throws(Fault) -> Opened {
    let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(message.payload))
    guard let clusters else {
      return Opened(payload: envelope.map { Array($0.signed.payload.utf8) } ?? message.payload, signedAt: nil)
    }
    guard let key = clusters[cluster] else { throw Fault(description: "cluster '\(cluster)': no key is known of it") }
    guard let signed = envelope?.signed else {
      throw Fault(description: message.payload.isEmpty ? "found nothing that is signed" : "expected a signed message")
    }
    guard
      key.isValidSignature(
        signed.signature, for: Self.statement(message.topic, signed.sequence, signed.payload.utf8))
    else { throw Fault(description: "the signature is not that of cluster '\(cluster)'") }
    let signedAt = Double(signed.sequence) * 1e-6
    guard abs(now - signedAt) <= Self.longestAge else {
      throw Fault(
        description:
          "it was signed \(Int(saturating: now - signedAt)) s ago, expected at most \(Int(saturating: Self.longestAge)) s"
      )
    }
    let isNew = state.withLock { state in
      guard let last = state.lastHeard[message.topic] else {
        guard state.lastHeard.count < Self.mostTopics else { return false }
        state.lastHeard[message.topic] = signed.sequence
        return true
      }
      guard signed.sequence > last else { return false }
      state.lastHeard[message.topic] = signed.sequence
      return true
    }
    guard isNew else { throw Fault(description: "it was heard before, or a later one") }
    return Opened(payload: Array(signed.payload.utf8), signedAt: signedAt)
  }
}
