/// For how long a pick stays open, and its request in flight, that nobody completes.
package enum PickLife: Int, CaseIterable, Hashable, Sendable {
  /// ``DispatcherOptions/unaryPickLifetime``: nobody says when its asker has gone, who perhaps never heard the answer.
  case unary
  /// ``DispatcherOptions/pickLifetime``: its asker is connected, and gives up what it left open when it goes.
  case connected
  /// Until it is completed: whoever made it sees when its request ends.
  case attended
}
