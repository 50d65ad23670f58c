/// The labels of a service's replicas, one bit each. Replicas of a service have few different ones; those beyond 63 are
/// unknown, so that a request that asks for one of them finds nobody.
struct LabelBits: Sendable {
  private var numbers: [String: Int] = [:]

  /// The bits of a replica's labels, new ones for new labels.
  mutating func bits(adding labels: [String]) -> UInt64 {
    labels.reduce(into: 0) { bits, label in
      if let number = numbers[label] {
        bits |= 1 << UInt64(number)
      } else if numbers.count < 63 {
        bits |= 1 << UInt64(numbers.count)
        numbers[label] = numbers.count
      }
    }
  }

  /// The bits of labels that a request asks for; where no replica ever had one of them, a bit that none has.
  func bits(of labels: [String]) -> UInt64 {
    labels.reduce(into: 0) { bits, label in bits |= 1 << UInt64(numbers[label] ?? 63) }
  }

  /// The labels of bits, in order.
  func labels(of bits: UInt64) -> [String] {
    numbers.filter { bits >> UInt64($0.value) & 1 == 1 }.map(\.key).sorted()
  }
}
