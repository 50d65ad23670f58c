import Dispatching
import NIOHPACK
import Selection

/// What Envoy's configuration says to the picker, in the metadata that it gives to each stream.
struct PickerHints: Sendable {
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

  /// Nothing is said.
  init() {}

  /// Reads what is said in the headers of a stream. What cannot be read counts as not said: a request is not to fail for
  /// it.
  init(_ headers: HPACKHeaders) {
    var node: String?
    var zone: String?
    var cluster: String?
    for (key, text, _) in headers where key.hasPrefix("x-tonari-") && !text.isEmpty {
      switch key {
      case PickerNames.service: service = text
      case PickerNames.node: node = text
      case PickerNames.zone: zone = text
      case PickerNames.cluster: cluster = text
      case PickerNames.keyHeader: keyHeader = text.lowercased()
      case PickerNames.alternatives:
        alternatives = Int(text).map { min(max(0, $0), PickAnswer.mostAlternatives) } ?? Self.usualAlternatives
      default: break
      }
    }
    if node != nil || zone != nil || cluster != nil { from = Place(node: node, zone: zone, cluster: cluster) }
  }
}
