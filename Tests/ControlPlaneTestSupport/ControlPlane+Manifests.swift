import Formats
import Foundation
package import Kubernetes
import Yams

extension ControlPlane {
  /// Creates the objects of one of our manifests, a file under `manifests/`, such as `planner/rbac.yaml`.
  ///
  /// - Parameters:
  ///   - namespace: Where objects go that have namespaces.
  ///   - client: Who makes them.
  package static func create(manifest: String, in namespace: String, with client: APIClient) async throws {
    let folder = URL(filePath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "manifests")
    let text = try String(contentsOf: folder.appending(path: manifest), encoding: .utf8)
    for case let document as [String: Any] in try Yams.load_all(yaml: text) {
      let object = try JSONDecoder().decode(
        JSONValue.self, from: JSONSerialization.data(withJSONObject: document))
      let kind = object["kind"]?.string ?? ""
      let version = (object["apiVersion"]?.string ?? "").split(separator: "/").map(String.init)
      let isNamespaced = ["ServiceAccount", "Role", "RoleBinding"].contains(kind)
      let resource = APIResource(
        group: version.count == 2 ? version[0] : "", version: version.last ?? "v1", plural: kind.lowercased() + "s",
        isNamespaced: isNamespaced)
      _ = try await client.create(resource, object, in: isNamespaced ? namespace : nil)
    }
  }
}
