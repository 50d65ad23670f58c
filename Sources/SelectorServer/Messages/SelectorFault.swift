/// Why a request to a selector was not done.
package struct SelectorFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of fault it is, with the number of gRPC's status code.
  package struct Code: Hashable, Sendable {
    /// The number of gRPC's status code.
    package let number: UInt32

    /// The request cannot be understood or is out of bounds.
    package static let invalidArgument = Code(number: 3)
    /// There is no such service or replica.
    package static let notFound = Code(number: 5)
    /// The caller may not do it.
    package static let permissionDenied = Code(number: 7)
    /// There is no more of something: retries, room.
    package static let resourceExhausted = Code(number: 8)
    /// There is no such request.
    package static let unimplemented = Code(number: 12)
    /// The service has no replica, or the selector ends.
    package static let unavailable = Code(number: 14)
    /// What the caller proves itself with is not good.
    package static let unauthenticated = Code(number: 16)
  }

  /// What kind of fault it is.
  package var code: Code
  /// What was found and what was expected.
  package var message: String
  /// After how many milliseconds to try again; 0 where nobody knows.
  package var retryAfterMilliseconds: UInt32

  /// Makes a fault.
  package init(_ code: Code, _ message: String, retryAfterMilliseconds: UInt32 = 0) {
    self.code = code
    self.message = message
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }

  /// The message.
  package var description: String { message }
}
