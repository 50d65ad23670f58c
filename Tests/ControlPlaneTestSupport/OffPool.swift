import Foundation

/// Does what waits on a thread of its own: a test that waits on one of the few that tasks have takes it from the server that it
/// waits for.
package func offPool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}
