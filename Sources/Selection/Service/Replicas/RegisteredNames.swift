/// The services that are there only because of registrations, or of what other selectors said, and who brought them.
struct RegisteredNames: Sendable {
  private var bringers: [String: Registrant?] = [:]
  private var brought: [Registrant: Int] = [:]

  /// How many there are.
  var count: Int { bringers.count }

  /// Whether a service is one of them.
  func contains(_ name: String) -> Bool { bringers[name] != nil }

  /// How many of them somebody brought.
  func count(by registrant: Registrant) -> Int { brought[registrant] ?? 0 }

  /// Notes a service; whoever brought it first did.
  ///
  /// - Parameter registrant: who does; nil where it counts for nobody.
  mutating func insert(_ name: String, by registrant: Registrant?) {
    guard bringers[name] == nil else { return }
    bringers[name] = .some(registrant)
    if let registrant { brought[registrant, default: 0] += 1 }
  }

  /// Forgets a service, where it is noted.
  mutating func remove(_ name: String) {
    guard case let registrant?? = bringers.removeValue(forKey: name), let count = brought[registrant] else { return }
    brought[registrant] = count > 1 ? count - 1 : nil
  }
}
