import Kubernetes

extension APIClient {
  /// The first of some versions of a group that the API server has; nil where it has none.
  ///
  /// Throws `APIError` where it does not say.
  func version(of group: String, among versions: [String]) async throws -> String? {
    struct Group: Decodable {
      struct Version: Decodable {
        var version: String
      }

      var versions: [Version]
    }
    do {
      let found = try RawObject(json: try await read(path: "/apis/\(group)")).decode(Group.self)
      let served = Set(found.versions.map(\.version))
      return versions.first(where: served.contains)
    } catch let error as APIError where error.isNotFound {
      return nil
    }
  }
}
