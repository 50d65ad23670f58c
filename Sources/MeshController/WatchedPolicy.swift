import Connections
import Fleet
import Formats
import Kubernetes
import Model

/// A policy as the API server has it.
struct WatchedPolicy: Sendable {
  var key: ObjectKey
  var uid: String
  var generation: Int64?
  /// What is wanted, or what is wrong with it.
  var policy: Result<OverflowPolicy, FileError>
  /// What was last written about it; nil where there is nothing that can be read.
  var status: OverflowPolicy.Status?

  init(_ object: RawObject) {
    key = object.key
    uid = object.uid
    policy = Result { () throws(FileError) in try OverflowPolicy(object) }
    generation = (try? object.decode(Head.self))?.metadata.generation
    status = (try? object.decode(Told.self))?.status
  }

  private struct Head: Decodable {
    struct Metadata: Decodable {
      var generation: Int64?
    }

    var metadata: Metadata
  }

  private struct Told: Decodable {
    var status: OverflowPolicy.Status?
  }
}
