/// Waits until something holds, looking again and again.
///
/// - Parameters:
///   - what: What is waited for, for the error.
///   - deadline: For how long.
///   - condition: Whether it holds.
package func eventually(
  _ what: String, within deadline: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + deadline
  while true {
    if try await condition() { return }
    guard ContinuousClock.now < end else { throw TestFailure("never within \(deadline): \(what)") }
    try await Task.sleep(for: .milliseconds(10))
  }
}
