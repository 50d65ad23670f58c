import GRPCCore

/// Why a volume is not published or unpublished.
struct VolumeError: Error, Hashable, CustomStringConvertible {
  /// What kind of error it is, with the status that the specification has for it.
  struct Code: Hashable {
    private enum Value { case invalid, refused, conflicting, failed }
    private let value: Value

    /// The request is not what it must be.
    static let invalid = Code(value: .invalid)
    /// The pod may not have what it asks for.
    static let refused = Code(value: .refused)
    /// Something else is at the target, or known under the pod's uid.
    static let conflicting = Code(value: .conflicting)
    /// The operating system refused.
    static let failed = Code(value: .failed)

    var status: RPCError.Code {
      switch value {
      case .invalid: .invalidArgument
      case .refused: .permissionDenied
      case .conflicting: .alreadyExists
      case .failed: .internalError
      }
    }
  }

  var code: Code
  var description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

extension RPCError {
  init(_ error: VolumeError) { self.init(code: error.code.status, message: error.description) }
}
