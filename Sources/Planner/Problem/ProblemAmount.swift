/// An amount of a resource of a problem, in words: `0.25 CPU`, `2.5 GiB`, `3 nvidia.com/gpu`.
package struct ProblemAmount: Hashable, Sendable {
  /// The resource, such as `cpu`.
  package var resource: String
  /// How much, in the problem's unit: millicores for `cpu`, bytes for memory and storage, a count otherwise.
  package var amount: Int64

  /// Makes an amount.
  package init(_ amount: Int64, of resource: String) {
    self.amount = amount
    self.resource = resource
  }

  /// The amount with its unit; rounded up to thousandths, or down for `roundedDown`, so that of two amounts the one that
  /// is asked for never reads as less than it is, nor the one that is there as more.
  package func text(roundedDown: Bool = false) -> String {
    let (divisor, unit) = scale
    let (thousandths, overflow) = amount.multipliedReportingOverflow(by: 1000)
    guard !overflow else { return "\(amount / divisor) \(unit)" }
    let (quotient, remainder) = thousandths.quotientAndRemainder(dividingBy: divisor)
    let (whole, fraction) = (quotient + (remainder > 0 && !roundedDown ? 1 : 0)).quotientAndRemainder(dividingBy: 1000)
    guard fraction > 0 else { return "\(whole) \(unit)" }
    var digits = String(fraction + 1000).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(whole).\(digits) \(unit)"
  }

  private var scale: (divisor: Int64, unit: String) {
    switch resource {
    case "cpu": return (1000, "CPU")
    case "pods": return (1, amount == 1 ? "pod" : "pods")
    case "memory", "ephemeral-storage": return bytes
    case _ where resource.hasPrefix("hugepages-"): return bytes
    default: return (1, resource)
    }
  }

  private var bytes: (divisor: Int64, unit: String) {
    let (unit, bits) = [("GiB", 30), ("MiB", 20), ("KiB", 10)].first { amount >= Int64(1) << $0.1 } ?? ("B", 0)
    return (1 << bits, resource == "memory" ? unit : "\(unit) of \(resource)")
  }
}

extension ProblemAmount: CustomStringConvertible {
  /// The amount with its unit, rounded up.
  package var description: String { text() }
}
