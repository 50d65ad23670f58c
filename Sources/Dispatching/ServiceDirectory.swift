/// The services of a ``Dispatcher`` at one time, to look up without asking it.
public struct ServiceDirectory: Sendable {
  /// ``Dispatcher/directoryVersion`` when it was made, or before.
  public let version: UInt64
  private let names: [String: DispatchedService]
  private let numbers: [DispatchedService?]

  init(version: UInt64, names: [String: DispatchedService], numbers: [DispatchedService?]) {
    self.version = version
    self.names = names
    self.numbers = numbers
  }

  /// The services, in no order.
  public var all: some Collection<DispatchedService> { names.values }

  /// A service by its name.
  public subscript(name: String) -> DispatchedService? { names[name] }

  /// The service that an open pick is of; nil where there is none (any more).
  public func service(ofPick id: UInt64) -> DispatchedService? {
    let index = Int(id >> 44) - 1
    return numbers.indices.contains(index) ? numbers[index] : nil
  }
}
