import Foundation
import Selection

/// What Envoy's configuration says to the picker, in the metadata that it gives to each stream.
struct PickerHints: Sendable {
  /// What the names of the headers for the picker begin with.
  static let prefix = "x-tonari-"
  /// How many endpoints are named for retries where nothing else is said.
  static let usualAlternatives = 2

  /// The service; nil where it is to be found out from the request.
  var service: String?
  /// Where requests come from; nil for the selector's own place.
  var from: Place?
  /// The header whose value ties requests to one replica.
  var keyHeader: String?
  /// How many endpoints to name for retries, at most `PickAnswer.mostAlternatives`.
  var alternatives = usualAlternatives
  /// Who may say that a request was sent on before.
  var trust = HopTrust.nobody

  /// Who may say, by a header that anybody can write, that a request was sent from one cluster to another.
  enum HopTrust: Hashable, Sendable {
    /// Nobody: the header counts for nothing.
    case nobody
    /// Everybody who reaches the listener.
    case everybody
    /// Whose certificate has one of these names.
    case peers(Set<String>)

    /// Reads what Envoy's configuration says.
    init(_ text: String) {
      if text == "true" {
        self = .everybody
      } else {
        let names = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter {
          !$0.isEmpty && $0 != "false"
        }
        self = names.isEmpty ? .nobody : .peers(Set(names))
      }
    }

    /// Whether a request is believed.
    ///
    /// - Parameter peer: the names of the peer's certificate, which Envoy has verified.
    func holds(for peer: @autoclosure () -> [String]) -> Bool {
      switch self {
      case .nobody: false
      case .everybody: true
      case .peers(let names): !names.isDisjoint(with: peer())
      }
    }
  }

  /// Nothing is said.
  init() {}

  /// Reads what is said in headers: names and values, a zero byte after each. What cannot be read counts as not said: a
  /// request is not to fail for it.
  init(_ headers: [UInt8], of caller: Caller? = nil) {
    let texts = headers.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    self.init(
      stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) },
      of: caller)
  }

  /// Reads what is said in headers, whose names are in lower case.
  ///
  /// - Parameter caller: who says so; nil to believe where it asks from.
  init(_ headers: [(name: String, value: String)], of caller: Caller? = nil) {
    var node: String?
    var zone: String?
    var cluster: String?
    for (key, text) in headers where !text.isEmpty {
      switch key {
      case PickerNames.service: service = text
      case PickerNames.node: node = text
      case PickerNames.zone: zone = text
      case PickerNames.cluster: cluster = text
      case PickerNames.keyHeader: keyHeader = text.lowercased()
      case PickerNames.trustHops: trust = HopTrust(text)
      case PickerNames.alternatives:
        alternatives = Int(text).map { min(max(0, $0), PickAnswer.mostAlternatives) } ?? Self.usualAlternatives
      default: break
      }
    }
    if node != nil || zone != nil || cluster != nil {
      from =
        caller?.place(node: node, zone: zone, cluster: cluster) ?? Place(node: node, zone: zone, cluster: cluster)
    }
  }
}
