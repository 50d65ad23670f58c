import Fleet
import Formats
import Kubernetes
import Model

/// A policy and how it stands, as its object says.
struct PolicyLine: Encodable {
  /// The policy as `namespace/name`.
  var policy: String
  /// The service as `namespace/name`; nil where the policy cannot be read.
  var service: String?
  /// What is wrong with the policy; nil where nothing is.
  var fault: String?
  var status: OverflowPolicy.Status?

  init(_ object: RawObject) {
    policy = object.key.description
    status = (try? object.decode(Told.self))?.status
    do {
      service = try OverflowPolicy(object).service
    } catch {
      fault = error.message
    }
  }

  private struct Told: Decodable {
    var status: OverflowPolicy.Status?
  }
}
