import Foundation

/// Runs work that blocks on a thread of its own, so that the cooperative pool stays free. The thread has a stack that is
/// deep enough for solvers and parsers.
package func onWorkerThread<Value: Sendable>(
  _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result(catching: work)) }
    thread.stackSize = 64 << 20
    thread.start()
  }
}
