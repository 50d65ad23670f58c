/// What can be set in the decisions about overflow. The defaults suit services from a few requests a second on.
public struct OverflowSettings: Hashable, Sendable {
  /// What a neighbour is sent at most of which nothing is known, in requests per minute.
  public var unknownPerMinute = 60.0
  /// What a neighbour that failed is sent to see whether it answers again, in requests per minute.
  public var tricklePerMinute = 12.0
  /// How much of a neighbour's headroom is taken at a time where others send there as well, 0…1.
  public var sharedHeadroom = 0.5
  /// The most that the share of a neighbour grows in a second, 0…1.
  public var stepOut = 1.0
  /// The most that the share that leaves falls in a second, 0…1.
  public var stepBack = 0.05
  /// For how long less must be enough before anything comes back, in seconds.
  public var holdSeconds = 10.0
  /// How far below the capacity the demand must be before the overflow ends, as a share of the capacity, 0…1.
  public var hysteresis = 0.05
  /// The least change of a share that is made, 0…1.
  public var deadBand = 0.005
  /// The share of errors from which on the local cluster counts as in distress, 0…1.
  public var distressErrors = 0.05
  /// How much longer responses than usual are distress: a factor.
  public var distressResponse = 3.0
  /// The least part of its capacity that distress leaves, 0…1: what fails for another reason must not send all away.
  public var leastCapacity = 0.25

  /// Makes settings.
  public init() {}
}
