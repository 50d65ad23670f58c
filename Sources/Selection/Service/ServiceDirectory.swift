import HashTreeCollections

/// The services of a ``Dispatcher`` at one time, to look up without asking it.
///
/// A copy shares what did not change with the next one, so that services may come and go by the thousand while others
/// hold copies.
package struct ServiceDirectory: Sendable {
  private static let block = 256

  /// A service by its own name.
  private struct Entry: Sendable {
    var service: DispatchedService
    /// Whether it is there only because somebody registered it: who may do so may call it anything.
    var isRegistered: Bool
  }

  /// ``Dispatcher/directoryVersion`` when it was made, or before.
  package var version: UInt64
  private var names = TreeDictionary<String, Entry>()
  /// Services by other names that they have.
  private var aliases = TreeDictionary<String, DispatchedService>()
  /// How many services have names that differ in their ports alone, by the name without one; those that are there only because
  /// somebody registered them are not among them.
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
  package var count: Int { names.count }

  /// The services, in no order.
  package var all: some Collection<DispatchedService> { names.values.lazy.map(\.service) }

  /// The services by their numbers: those that came first, and have not gone, at the front.
  package var inOrder: some Sequence<DispatchedService> { blocks.lazy.joined().compactMap { $0 } }

  /// A service by its name, or another that it has. Another name of a service counts before that of one that is there only
  /// because somebody registered it.
  package subscript(name: String) -> DispatchedService? {
    guard let entry = names[name] else { return aliases[name] }
    return entry.isRegistered ? aliases[name] ?? entry.service : entry.service
  }

  /// A service by a name that a file or Kubernetes gives it; nil where there is none, or only one that somebody registered.
  package func named(_ name: String) -> DispatchedService? {
    guard let entry = names[name], !entry.isRegistered else { return aliases[name] }
    return entry.service
  }

  /// Whether files and Kubernetes name several services whose names without a port are this one.
  package func hasPorts(_ name: String) -> Bool { (ports[name] ?? 0) > 1 }

  /// A service's name without its port.
  static func base(of service: String) -> String {
    service.lastIndex(of: ":").map { String(service[..<$0]) } ?? service
  }

  /// A service by its own name.
  func service(named name: String) -> DispatchedService? { names[name]?.service }

  /// The service that an open pick is of; nil where there is none (any more).
  package func service(ofPick id: UInt64) -> DispatchedService? {
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
  ///
  /// - Parameter isRegistered: whether it is there only because somebody registered it.
  mutating func add(_ service: DispatchedService, isRegistered: Bool) {
    if free.last == service.number { free.removeLast() } else { used += 1 }
    let index = Int(service.number) - 1
    if index / Self.block == blocks.count { blocks.append(Array(repeating: nil, count: Self.block)) }
    blocks[index / Self.block][index % Self.block] = service
    names[service.name] = Entry(service: service, isRegistered: isRegistered)
    if !isRegistered { countPort(of: service.name, 1) }
  }

  /// Whether a service is there only because somebody registered it; nil where there is none of this name.
  func isRegistered(_ name: String) -> Bool? { names[name]?.isRegistered }

  mutating func set(isRegistered: Bool, of name: String) {
    guard let entry = names[name], entry.isRegistered != isRegistered else { return }
    names[name]?.isRegistered = isRegistered
    countPort(of: name, isRegistered ? -1 : 1)
  }

  private mutating func countPort(of name: String, _ change: Int) {
    let base = Self.base(of: name)
    let count = (ports[base] ?? 0) + change
    ports[base] = count > 0 ? count : nil
  }

  /// Takes other names for those that a service had.
  mutating func set(aliases new: Set<String>, for old: Set<String>, of service: DispatchedService) {
    for name in old.subtracting(new) where aliases[name] === service { aliases[name] = nil }
    for name in new { aliases[name] = service }
  }

  mutating func remove(_ service: DispatchedService) {
    if names[service.name]?.isRegistered == false { countPort(of: service.name, -1) }
    names[service.name] = nil
    blocks[(Int(service.number) - 1) / Self.block][(Int(service.number) - 1) % Self.block] = nil
    free.append(service.number)
  }
}
