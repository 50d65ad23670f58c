/// What the integers of a resource in a problem count.
package enum ResourceUnit: Hashable, Sendable {
  /// Thousandths, as millicores for `cpu`.
  case thousandths
  /// Bytes.
  case bytes
  /// Whole pieces, such as pods or GPUs.
  case pieces

  /// The unit in which a Kubernetes resource of this name is usually counted: `cpu` in thousandths; memory, storage and
  /// huge pages in bytes; anything else in pieces.
  package init(usualFor resource: String) {
    if resource == "cpu" {
      self = .thousandths
    } else if resource == "memory" || resource.hasSuffix("storage") || resource.hasPrefix("hugepages") {
      self = .bytes
    } else {
      self = .pieces
    }
  }

  /// An amount with the name of its resource: `14 cpu`, `1.5 GiB memory`, `2 nvidia.com/gpu`.
  func describe(_ amount: Int64, of resource: String) -> String { "\(describe(amount)) \(resource)" }

  /// An amount without a name: `14`, `1.5 GiB`, `2`.
  func describe(_ amount: Int64) -> String {
    switch self {
    case .thousandths: Human.significant(Double(amount) / 1000)
    case .bytes: Human.bytes(Double(amount))
    case .pieces: Human.grouped(Int(amount))
    }
  }
}
