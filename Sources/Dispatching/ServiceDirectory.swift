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
  /// Services by other names that they have.
  private var aliases = TreeDictionary<String, DispatchedService>()
  /// How many services have names that differ in their ports alone, by the name without one.
  private var ports = TreeDictionary<String, Int>()
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

  /// The services that have other names, by these, in no order.
  public var byAlias: some Sequence<(key: String, value: DispatchedService)> {
    aliases.lazy.filter { [names] in names[$0.key] == nil }
  }

  /// A service by its name, or another that it has.
  public subscript(name: String) -> DispatchedService? { names[name] ?? aliases[name] }

  /// Whether there are several services whose names without a port are this one.
  public func hasPorts(_ name: String) -> Bool { (ports[name] ?? 0) > 1 }

  /// A service's name without its port.
  static func base(of service: String) -> String {
    service.lastIndex(of: ":").map { String(service[..<$0]) } ?? service
  }

  /// A service by its own name.
  func service(named name: String) -> DispatchedService? { names[name] }

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
    ports[Self.base(of: service.name), default: 0] += 1
  }

  /// Takes other names for those that a service had.
  mutating func set(aliases new: Set<String>, for old: Set<String>, of service: DispatchedService) {
    for name in old.subtracting(new) where aliases[name] === service { aliases[name] = nil }
    for name in new { aliases[name] = service }
  }

  mutating func remove(_ service: DispatchedService) {
    names[service.name] = nil
    let base = Self.base(of: service.name)
    ports[base] = ports[base].flatMap { $0 > 1 ? $0 - 1 : nil }
    blocks[(Int(service.number) - 1) / Self.block][(Int(service.number) - 1) % Self.block] = nil
    free.append(service.number)
  }
}
