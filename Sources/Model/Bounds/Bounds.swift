/// Which numbers of one kind there are, such as weights. What comes from outside is checked by it or cut to it before
/// anything computes with it; the schemas of the custom resources say the same.
public struct Bounds<Value: Comparable & Hashable & Sendable>: Hashable, Sendable {
  /// What is meant, as an error names it, such as `weight`.
  public let name: String
  /// The numbers there are. A number that is none is outside.
  public let range: ClosedRange<Value>

  /// Bounds a kind of number.
  public init(_ name: String, _ range: ClosedRange<Value>) {
    self.name = name
    self.range = range
  }

  /// Whether a number is within.
  public func contains(_ value: Value) -> Bool { range.contains(value) }

  /// The number, which is within.
  ///
  /// Throws ``OutOfBounds``.
  @discardableResult
  public func checked(_ value: Value) throws(OutOfBounds) -> Value {
    guard range.contains(value) else { throw outside("\(value)") }
    return value
  }

  /// The nearest number within; the lower bound for what is no number.
  @inlinable
  public func clamped(_ value: Value) -> Value {
    value >= range.lowerBound ? min(value, range.upperBound) : range.lowerBound
  }

  func outside(_ found: String) -> OutOfBounds {
    OutOfBounds(
      name: name, found: String(found.prefix(40)),
      expected: "from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))")
  }

  private static func text(_ value: Value) -> String {
    if let value = value as? Double, let whole = Int(exactly: value) { "\(whole)" } else { "\(value)" }
  }
}

/// A number from outside that cannot be, and what was expected.
public struct OutOfBounds: Error, Hashable, Sendable, CustomStringConvertible {
  /// What it was to be, such as `weight`.
  public let name: String
  /// What was found.
  public let found: String
  /// The bounds.
  public let expected: String

  /// What was found where, and what was expected.
  public var description: String { "\(name) \(found): expected a number \(expected)" }
}

// MARK: - Kinds of numbers

extension Bounds<Double> {
  /// A replica's share compared with the others'.
  public static var weight: Bounds { Bounds("weight", 1e-6...1e6) }
  /// Requests per minute: at most a hundred million each second.
  public static var ratePerMinute: Bounds { Bounds("requests per minute", 0...6e9) }
  /// What sending a request somewhere costs, as hops do.
  public static var hopCost: Bounds { Bounds("cost", 0...1e6) }
  /// A part of a whole.
  public static var share: Bounds { Bounds("share", 0...1) }
  /// How far a split moves at a time.
  public static var step: Bounds { Bounds("step", 0.001...1) }
  /// How far a figure may be off before anything is done.
  public static var margin: Bounds { Bounds("margin", 0...0.5) }
  /// How many times longer than usual.
  public static var slowdown: Bounds { Bounds("factor", 1...1000) }

  /// The number that a text says.
  ///
  /// Throws ``OutOfBounds``.
  public func checked(_ text: some StringProtocol) throws(OutOfBounds) -> Double {
    guard let value = Double(text), contains(value) else { throw outside("'\(text.prefix(40))'") }
    return value
  }
}

extension Bounds<Int> {
  /// How many requests a replica works on at a time.
  public static var concurrency: Bounds { Bounds("concurrency", 1...1_000_000) }
  /// How often a request is sent on from one cluster to another.
  public static var hops: Bounds { Bounds("hops", 0...16) }
  /// A port of TCP.
  public static var port: Bounds { Bounds("port", 1...65_535) }
  /// How many replicas of a workload a plan has on a node.
  public static var replicas: Bounds { Bounds("replicas", 1...2_147_483_647) }

  /// The number that a text says.
  ///
  /// Throws ``OutOfBounds``.
  public func checked(_ text: some StringProtocol) throws(OutOfBounds) -> Int {
    guard let value = Int(text), contains(value) else { throw outside("'\(text.prefix(40))'") }
    return value
  }
}
