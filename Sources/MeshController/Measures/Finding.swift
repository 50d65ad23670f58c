/// What counters say of a service.
enum Finding: Hashable, Sendable {
  /// Its requests were counted.
  case counted(DemandMeasurement)
  /// They were not, and this is why. Half a count is none.
  case missing(String)
}
