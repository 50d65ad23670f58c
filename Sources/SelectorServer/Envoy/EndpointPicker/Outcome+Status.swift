import Model

extension Outcome {
  /// The statuses of gRPC that Envoy too counts as errors of the server: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
  /// INTERNAL, UNAVAILABLE, DATA_LOSS.
  private static let failures: Set<String> = ["2", "4", "12", "13", "14", "15"]

  /// How a request ended whose response has a status of HTTP and maybe one of gRPC: the replica failed where the status
  /// is 500 or above, or the one of gRPC is an error of the server.
  init(status: String?, grpcStatus: String?) {
    guard let status = status.flatMap({ Int($0) }), status < 500 else {
      self = .failure
      return
    }
    self = grpcStatus.map { Self.failures.contains($0) } == true ? .failure : .success
  }
}
