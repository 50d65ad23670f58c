extension ControlPlane {
  /// The control plane of all tests of this process that do with one; it starts with the first of them.
  package static var shared: ControlPlane { get async throws { try await starting.value } }

  private static let starting = Task { try await ControlPlane() }
}
