/// The services that somebody picked from, so that what they leave open is found without a look at all services.
package struct PickedServices: Sendable {
  private static let most = 32

  private var last: UInt32 = 0
  private var numbers: [UInt32] = []
  /// Whether there are more than are noted.
  private(set) var isIncomplete = false

  /// None.
  package init() {}

  /// Whether there is any.
  package var isEmpty: Bool { numbers.isEmpty && !isIncomplete }

  /// Notes the service of a pick.
  @inline(__always)
  package mutating func note(pick id: UInt64) {
    let number = UInt32(truncatingIfNeeded: id >> 44)
    if number != last { note(number) }
  }

  @inline(never)
  private mutating func note(_ number: UInt32) {
    last = number
    guard !numbers.contains(number) else { return }
    if numbers.count < Self.most { numbers.append(number) } else { isIncomplete = true }
  }

  func services(in directory: ServiceDirectory) -> [DispatchedService] {
    isIncomplete ? Array(directory.all) : numbers.compactMap { directory[number: $0] }
  }
}
