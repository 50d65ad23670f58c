import Connections
import Logging

/// Which objects of a resource are meant.
package struct ObjectSelection: Hashable, Sendable {
  /// The namespace; nil for all.
  package var namespace: String?
  /// A label selector, such as `app=cart,tier!=cache`; nil for all objects.
  package var labels: String?
  /// A field selector, such as `spec.nodeName=node-1`; nil for all objects.
  package var fields: String?

  /// Makes a selection; by default, of all objects.
  package init(namespace: String? = nil, labels: String? = nil, fields: String? = nil) {
    self.namespace = namespace
    self.labels = labels
    self.fields = fields
  }

  var query: [(name: String, value: String)] {
    [("labelSelector", labels), ("fieldSelector", fields)].compactMap { name, value in value.map { (name, $0) } }
  }
}

/// The objects of a resource as they were at one moment.
package struct ObjectList<Value: Sendable>: Sendable {
  /// What was made of each object.
  package var items: [Value]
  /// The version of the list: a watch from here tells all that changes after it.
  package var resourceVersion: String
}

extension APIClient {
  /// Lists the objects of a resource, page by page.
  ///
  /// - Parameters:
  ///   - resource: The resource.
  ///   - selection: Which of its objects.
  ///   - pageSize: How many objects the API server is asked for at a time.
  ///   - transform: Makes of each object what is to be kept of it, as it comes in; nil for nothing. It may see an object
  ///     more than once, when a page or the list has to be read again. What it throws ends the listing.
  package func list<Value: Sendable>(
    _ resource: APIResource, _ selection: ObjectSelection = ObjectSelection(), pageSize: Int = 500,
    transform: (RawObject) throws -> Value?
  ) async throws -> ObjectList<Value> {
    var items: [Value] = []
    var next: String?
    // When the place in the list expires before the last page is read, it is read again in one go: that cannot expire.
    var pageSize: Int? = pageSize
    while true {
      do {
        let page = try await page(resource, selection, pageSize: pageSize, after: next, transform: transform)
        items.append(contentsOf: page.items)
        next = page.next
        if next == nil { return ObjectList(items: items, resourceVersion: page.resourceVersion) }
      } catch let error as APIError where error.isExpired && next != nil {
        logger.info("A list expired while it was read and is read again", metadata: ["resource": "\(resource)"])
        items = []
        next = nil
        pageSize = nil
      }
    }
  }

  /// Lists the objects of a resource, page by page, whole.
  package func list(
    _ resource: APIResource, _ selection: ObjectSelection = ObjectSelection(), pageSize: Int = 500
  ) async throws -> ObjectList<RawObject> {
    try await list(resource, selection, pageSize: pageSize) { $0 }
  }

  private struct Page<Value> {
    var items: [Value]
    var resourceVersion: String
    var next: String?
  }

  private func page<Value>(
    _ resource: APIResource, _ selection: ObjectSelection, pageSize: Int?, after token: String?,
    transform: (RawObject) throws -> Value?
  ) async throws -> Page<Value> {
    var call = APICall(method: "GET", path: try path(resource, in: selection.namespace))
    call.query = selection.query
    if let pageSize { call.query.append(("limit", "\(pageSize)")) }
    if let token { call.query.append(("continue", token)) }
    call.delivery = .streamed
    do {
      return try await exchange(call) { try await readPage($0, transform) }
    } catch let refusal as TransformFailure {
      throw refusal.error
    }
  }

  /// What a caller's transform has thrown: nothing that another try would mend.
  private struct TransformFailure: Error {
    var error: any Error
  }

  private func readPage<Value>(
    _ response: IncomingResponse, _ transform: (RawObject) throws -> Value?
  ) async throws -> Page<Value> {
    var items: [Value] = []
    var splitter = ListSplitter(limit: Self.objectLimit)
    for try await chunk in response.body {
      for json in try splitter.feed(chunk) {
        let object = try RawObject(json: json)
        do {
          if let value = try transform(object) { items.append(value) }
        } catch {
          throw TransformFailure(error: error)
        }
      }
    }
    let metadata = try splitter.finish().metadata
    return Page(
      items: items,
      resourceVersion: metadata.resourceVersion ?? "",
      next: metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
    )
  }
}
