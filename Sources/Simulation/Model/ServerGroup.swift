/// Servers that are alike.
public struct ServerGroup: Hashable, Sendable {
  /// How many.
  public var count: Int
  /// How many requests one works on at a time; the others wait in one queue, first come, first served.
  public var cores: Int
  /// Whether selectors are told how many cores there are.
  public var tellsCores = true
  /// Work divided by this is the time it takes, before noise.
  public var speed: Double
  /// How the speed changes; nil where it does not.
  public var noise: Noise?
  /// The share of requests that it answers at once with an error, 0…1.
  public var failureShare: Double
  /// The nodes that they are spread over, one after the other; empty where places do not matter.
  public var nodes: [String] = []
  /// The zone of their nodes.
  public var zone: String?

  /// Makes a group.
  public init(count: Int, cores: Int, speed: Double = 1, noise: Noise? = nil, failureShare: Double = 0) {
    self.count = count
    self.cores = cores
    self.speed = speed
    self.noise = noise
    self.failureShare = failureShare
  }
}

/// What a server's neighbours do to its speed: a factor that is drawn anew now and then.
public struct Noise: Hashable, Sendable {
  /// The chance that a server is a noisy one, drawn once.
  public var noisyShare: Double
  /// A noisy server's factor, from one of these with equal chance, then evenly within it.
  public var noisy: [ClosedRange<Double>]
  /// Any other server's factor.
  public var quiet: [ClosedRange<Double>]
  /// Seconds from one draw to the next.
  public var redrawSeconds: ClosedRange<Double>

  /// Makes noise.
  public init(
    noisyShare: Double, noisy: [ClosedRange<Double>], quiet: [ClosedRange<Double>], redrawSeconds: ClosedRange<Double>
  ) {
    self.noisyShare = noisyShare
    self.noisy = noisy
    self.quiet = quiet
    self.redrawSeconds = redrawSeconds
  }
}
