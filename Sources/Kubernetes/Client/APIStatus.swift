/// What the API server answers instead of an object: Kubernetes' `Status` (meta/v1).
public struct APIStatus: Codable, Hashable, Sendable {
  /// What the answer is about.
  public struct Details: Codable, Hashable, Sendable {
    /// One of several causes, such as a field that is not valid.
    public struct Cause: Codable, Hashable, Sendable {
      /// What kind of cause, such as `FieldValueInvalid`.
      public var reason: String?
      /// What is wrong, for people.
      public var message: String?
      /// The field, such as `spec.containers[0].name`.
      public var field: String?
    }

    /// The name of the object.
    public var name: String?
    /// The group of the object's kind.
    public var group: String?
    /// The kind of the object, or its resource.
    public var kind: String?
    /// The identity of the object.
    public var uid: String?
    /// What in particular is wrong.
    public var causes: [Cause]?
    /// After how many seconds it is worth to ask again.
    public var retryAfterSeconds: Int?
  }

  /// `Success` or `Failure`.
  public var status: String?
  /// What it is, for people.
  public var message: String?
  /// What it is, for programs, such as `NotFound`.
  public var reason: String?
  /// What it is about.
  public var details: Details?
  /// The HTTP status.
  public var code: Int?

  /// Makes a status.
  public init(
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
