extension Fuzzer {
  /// All decoders of what comes from outside.
  static let all: [Fuzzer] =
    [
      // Files.
      .traffic, .clusterFile, .overflowPolicies, .placementPlan, .replicaFile, .edges, .scenario, .endpointMap, .gzip,
      .kubeconfig,
      // The API server.
      .watchStream, .listStream, .endpointSlices, .watchedPod, .routes,
      // The selector.
      .envelope, .frames, .messages, .digest, .clientAnswer, .clientFrames,
      // Envoy.
      .pickerConnection, .pickExchange, .discovery, .loadStatistics, .orca,
      // Schedulers.
      .scheduling, .preemption, .binding,
      // Measurements.
      .load, .headroom, .envoyHosts, .metrics, .prometheus,
      // Words in annotations, fields and options.
      .scalars,
    ] + executables

  #if canImport(tonari)
    /// What is decoded in the executable itself, which another executable cannot have in it.
    private static let executables: [Fuzzer] = [.selectorConfiguration, .durations]
  #else
    private static let executables: [Fuzzer] = []
  #endif
}
