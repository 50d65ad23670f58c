import Model

/// When the leases of which services end: finding those that are due costs what is due, not what there is.
struct LeaseCalendar: Sendable {
  /// A tenth of a second.
  private static let day: Int64 = 100_000_000

  /// The names of each day.
  private var days: [Int64: Set<String>] = [:]
  private var due: [String: Moment] = [:]
  /// No lease ends before this day.
  private var first = Int64.max

  /// Notes when a service's next lease ends; nil, or the end of time, for never.
  mutating func set(_ moment: Moment?, of name: String) {
    let moment = moment.flatMap { $0.nanoseconds == .max ? nil : $0 }
    guard due[name] != moment else { return }
    if let old = due[name] { take(name, from: old.nanoseconds / Self.day) }
    due[name] = moment
    guard let moment else { return }
    days[moment.nanoseconds / Self.day, default: []].insert(name)
    first = min(first, moment.nanoseconds / Self.day)
  }

  /// The services with a lease that has ended; they are noted no more.
  mutating func takeDue(at now: Moment) -> [String] {
    let today = now.nanoseconds / Self.day
    guard first <= today, !days.isEmpty else { return [] }
    // After a long time there are fewer days with a name than days.
    let span = today - first < Int64(days.count) ? Array(first...today) : days.keys.filter { $0 <= today }
    var names: [String] = []
    for day in span {
      for name in days[day] ?? [] where due[name].map({ $0 <= now }) ?? false { names.append(name) }
    }
    for name in names { set(nil, of: name) }
    first = days[today] != nil ? today : today + 1
    return names
  }

  private mutating func take(_ name: String, from day: Int64) {
    days[day]?.remove(name)
    if days[day]?.isEmpty == true { days[day] = nil }
  }
}
