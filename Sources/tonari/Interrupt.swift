import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Turns the first SIGINT or SIGTERM into a request to end with the best result so far; a second one kills.
enum Interrupt {
  private static let requested = Atomic(false)

  /// Whether a signal came since ``listen()``.
  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Starts to listen. Before that a signal kills, as there is no result to end with.
  static func listen() {
    // The store also initializes the static, so that the handler does no more than is safe in a handler.
    requested.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in
        Interrupt.requested.store(true, ordering: .relaxed)
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
      }
    }
  }
}
