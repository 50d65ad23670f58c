/// What the API server answers instead of an object: Kubernetes' `Status` (meta/v1).
package struct APIStatus: Codable, Hashable, Sendable {
  /// What the answer is about.
  package struct Details: Codable, Hashable, Sendable {
    /// One of several causes, such as a field that is not valid.
    package struct Cause: Codable, Hashable, Sendable {
      /// What kind of cause, such as `FieldValueInvalid`.
      package var reason: String?
      /// What is wrong, for people.
      package var message: String?
      /// The field, such as `spec.containers[0].name`.
      package var field: String?
    }

    /// The name of the object.
    package var name: String?
    /// The group of the object's kind.
    package var group: String?
    /// The kind of the object, or its resource.
    package var kind: String?
    /// The identity of the object.
    package var uid: String?
    /// What in particular is wrong.
    package var causes: [Cause]?
    /// After how many seconds it is worth to ask again.
    package var retryAfterSeconds: Int?
  }

  /// `Success` or `Failure`.
  package var status: String?
  /// What it is, for people.
  package var message: String?
  /// What it is, for programs, such as `NotFound`.
  package var reason: String?
  /// What it is about.
  package var details: Details?
  /// The HTTP status.
  package var code: Int?

  /// Makes a status.
  package init(
    status: String? = "Failure", message: String? = nil, reason: String? = nil, details: Details? = nil,
    code: Int? = nil
  ) {
    self.status = status
    self.message = message
    self.reason = reason
    self.details = details
    self.code = code
  }
}
