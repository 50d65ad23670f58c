/// How workloads are called in a report: without their namespace, where all share one.
struct WorkloadLabels: Sendable {
  /// The label of each workload.
  let labels: [String]
  /// The namespace that all share and no label shows.
  let namespace: String?

  init(_ names: [String]) {
    let namespaces = Set(names.map { name in name.firstIndex(of: "/").map { String(name[..<$0]) } ?? "" })
    guard namespaces.count == 1, let namespace = namespaces.first, !namespace.isEmpty else {
      labels = names.map(\.printable)
      self.namespace = nil
      return
    }
    labels = names.map { String($0.dropFirst(namespace.count + 1)).printable }
    self.namespace = namespace.printable
  }

  subscript(workload: Int) -> String { labels[workload] }

  /// The label in at most so many columns: in full, without its namespace, or cut.
  func short(_ workload: Int, within width: Int) -> String {
    let label = labels[workload]
    guard label.displayWidth > width, let slash = label.firstIndex(of: "/") else {
      return label.truncatedInMiddle(to: width)
    }
    return String(label[label.index(after: slash)...]).truncatedInMiddle(to: width)
  }
}
