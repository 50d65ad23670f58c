import Placement

extension Problem {
  /// The indices of the nodes by name; of nodes of one name, the first.
  var nodesByName: [String: Int] {
    Dictionary(nodes.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }
}
