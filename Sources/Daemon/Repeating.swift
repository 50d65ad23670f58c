import ServiceLifecycle

/// Does something at an interval until the service is to end.
package func repeating(every interval: Duration, _ work: @escaping @Sendable () async -> Void) async {
  try? await cancelWhenGracefulShutdown {
    while true {
      try await Task.sleep(for: interval)
      await work()
    }
  }
}
