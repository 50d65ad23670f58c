import Connections
import Formats
import FoundationEssentials

extension APIClient {
  /// Reads an object, or a subresource of it such as `status`.
  package func get(
    _ resource: APIResource, _ name: String, in namespace: String? = nil, subresource: String? = nil
  ) async throws -> RawObject {
    let path = try path(resource, in: namespace, name: name, subresource: subresource)
    return try await object(APICall(method: "GET", path: path))
  }

  /// Creates an object. It is sent a second time only where the first try surely had no effect.
  ///
  /// The name, or `generateName`, is in the object's metadata. To create a subresource, such as `binding`, name the
  /// object that it is of.
  package func create(
    _ resource: APIResource, _ object: some Encodable, in namespace: String? = nil, subresource: String? = nil,
    of name: String? = nil
  ) async throws -> RawObject {
    let path = try path(resource, in: namespace, name: name, subresource: subresource)
    var call = APICall(method: "POST", path: path, query: [managerQuery], body: try encoded(object))
    call.isRepeatable = false
    return try await self.object(call)
  }

  /// Replaces an object, or a subresource of it such as `status`.
  ///
  /// Where the object has a `resourceVersion`, it must not have changed since it was read: else the error is
  /// ``APIError/isConflict``. That is also what a request may end in that was sent twice and had its effect the first
  /// time.
  package func update(
    _ resource: APIResource, _ name: String, _ object: some Encodable, in namespace: String? = nil,
    subresource: String? = nil
  ) async throws -> RawObject {
    let path = try path(resource, in: namespace, name: name, subresource: subresource)
    return try await self.object(
      APICall(method: "PUT", path: path, query: [managerQuery], body: try encoded(object)))
  }

  /// Changes an object, or a subresource of it such as `status`, by a patch. A server-side apply also creates it.
  ///
  /// - Parameter manager: Who is said to set the fields; nil for the client's ``fieldManager``. Before 1.22, API servers
  ///   did not tell the fields of a subresource from those of the object: who applies both is to have two names.
  package func patch(
    _ resource: APIResource, _ name: String, _ patch: Patch, in namespace: String? = nil, subresource: String? = nil,
    manager: String? = nil
  ) async throws -> RawObject {
    let path = try path(resource, in: namespace, name: name, subresource: subresource)
    let query = [("fieldManager", manager ?? fieldManager)]
    var call = APICall(method: "PATCH", path: path, query: query, body: patch.body)
    call.contentType = patch.contentType
    if patch.isForced { call.query.append(("force", "true")) }
    call.isRepeatable = patch.isRepeatable
    return try await object(call)
  }

  /// What becomes of the objects that a deleted object owns.
  package enum Propagation: String, Sendable {
    /// They are deleted after it.
    case background = "Background"
    /// They are deleted before it.
    case foreground = "Foreground"
    /// They stay.
    case orphan = "Orphan"
  }

  /// Deletes an object.
  ///
  /// - Parameters:
  ///   - uid: The identity that the object must have. Only with it the request is sent again after it may have had its
  ///     effect, since else it could meet another object of the same name; it may then end in ``APIError/isNotFound``.
  ///   - resourceVersion: The version that the object must have.
  ///   - propagation: What becomes of the objects that it owns; nil for what its kind does by default.
  ///   - gracePeriod: How long the object has to end; nil for its own.
  package func delete(
    _ resource: APIResource, _ name: String, in namespace: String? = nil, uid: String? = nil,
    resourceVersion: String? = nil, propagation: Propagation? = nil, gracePeriod: Duration? = nil
  ) async throws {
    var options: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
    if uid != nil || resourceVersion != nil {
      var preconditions: JSONValue = [:]
      preconditions["uid"] = uid.map(JSONValue.string)
      preconditions["resourceVersion"] = resourceVersion.map(JSONValue.string)
      options["preconditions"] = preconditions
    }
    options["propagationPolicy"] = propagation.map { .string($0.rawValue) }
    options["gracePeriodSeconds"] = gracePeriod.map { .integer($0.components.seconds) }
    var call = APICall(method: "DELETE", path: try path(resource, in: namespace, name: name))
    call.body = try encoded(options)
    call.isRepeatable = uid != nil
    _ = try await object(call)
  }

  /// Sends a request whose answer is an object.
  func object(_ call: APICall) async throws -> RawObject {
    try await exchange(call) { try await RawObject(json: $0.body.collect(upTo: Self.objectLimit)) }
  }

  func encoded(_ value: some Encodable) throws(APIError) -> [UInt8] {
    do {
      return [UInt8](try JSONEncoder().encode(value))
    } catch {
      throw APIError(code: .invalidRequest, message: "cannot be written as JSON: \(error)", mayHaveTakenEffect: false)
    }
  }

  private var managerQuery: (name: String, value: String) { ("fieldManager", fieldManager) }
}
