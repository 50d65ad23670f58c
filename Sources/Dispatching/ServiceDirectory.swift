import HashTreeCollections

/// The services of a ``Dispatcher`` at one time, to look up without asking it.
///
/// A copy shares what did not change with the next one, so that services may come and go by the thousand while others
/// hold copies.
public struct ServiceDirectory: Sendable {
  private static let block = 256

  /// ``Dispatcher/directoryVersion`` when it was made, or before.
  public var version: UInt64
  private var names = TreeDictionary<String, DispatchedService>()
  /// By number less one, in blocks.
  private var blocks: [[DispatchedService?]] = []
  /// Numbers that were given back, to be given again.
  private var free: [UInt32] = []
  private var used: UInt32 = 0

  init(version: UInt64 = 0) {
    self.version = version
  }

  /// How many services there are.
  public var count: Int { names.count }

  /// The services, in no order.
  public var all: some Collection<DispatchedService> { names.values }

  /// The services by their numbers: those that came first, and have not gone, at the front.
  public var inOrder: some Sequence<DispatchedService> { blocks.lazy.joined().compactMap { $0 } }

  /// A service by its name.
  public subscript(name: String) -> DispatchedService? { names[name] }

  /// The service that an open pick is of; nil where there is none (any more).
  public func service(ofPick id: UInt64) -> DispatchedService? {
    self[number: UInt32(truncatingIfNeeded: id >> 44)]
  }

  /// A service by its number; nil where there is none (any more).
  subscript(number number: UInt32) -> DispatchedService? {
    let index = Int(number) - 1
    guard index >= 0, index < Int(used) else { return nil }
    return blocks[index / Self.block][index % Self.block]
  }

  /// The number of the next service; nil where all are used.
  var nextNumber: UInt32? {
    if let number = free.last { return number }
    return used < 1 << 20 - 2 ? used + 1 : nil
  }

  /// Adds a service that has the ``nextNumber``.
  mutating func add(_ service: DispatchedService) {
    if free.last == service.number { free.removeLast() } else { used += 1 }
    let index = Int(service.number) - 1
    if index / Self.block == blocks.count { blocks.append(Array(repeating: nil, count: Self.block)) }
    blocks[index / Self.block][index % Self.block] = service
    names[service.name] = service
  }

  mutating func remove(_ service: DispatchedService) {
    names[service.name] = nil
    blocks[(Int(service.number) - 1) / Self.block][(Int(service.number) - 1) % Self.block] = nil
    free.append(service.number)
  }
}
