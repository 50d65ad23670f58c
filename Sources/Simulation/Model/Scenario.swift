/// A world in which policies are compared: servers, who asks them, and how much.
public struct Scenario: Hashable, Sendable {
  /// Its name.
  public var name: String
  /// What it shows, in a line.
  public var abstract = ""
  /// The servers.
  public var servers: [ServerGroup]
  /// The work of a request, in milliseconds at speed 1: exponential with this mean.
  public var workMs: Double
  /// How many clients there are, one count or several to compare. A policy that does without a shared selector has one
  /// in each.
  public var clients: [Int]
  /// How many selectors the clients share where the policy is meant to be shared, one count or several to compare.
  public var selectors = [1]
  /// The nodes that the clients are spread over, one after the other; empty where places do not matter.
  public var clientNodes: [ClientNode] = []
  /// What a request and its answer take on the way, from a client to a server and back, in
  /// milliseconds, by tier: node, zone, cluster, remote.
  public var networkMs: [Double] = [0, 0, 0, 0]
  /// When servers report their load to shared selectors; nil where they do not.
  public var reports: ReportTiming?
  /// Seconds before anything is measured.
  public var warmUpSeconds: Double
  /// Seconds in which requests that arrive are measured.
  public var measuredSeconds: Double
  /// Seconds after which a request is given up.
  public var timeoutSeconds: Double
  /// Milliseconds from one exchange between selectors to the next, where there are several that do.
  public var digestMs: Double = 100
  /// Requests per second at load 1; nil where it is `Σ cores × speed / work` over all servers, noise left out.
  public var capacity: Double?
  /// The loads, where nobody asks for others: shares of the capacity.
  public var loads: [Double]

  /// Makes a scenario.
  public init(
    name: String, servers: [ServerGroup], workMs: Double, clients: [Int], warmUpSeconds: Double = 3,
    measuredSeconds: Double = 15, timeoutSeconds: Double = 10, loads: [Double]
  ) {
    self.name = name
    self.servers = servers
    self.workMs = workMs
    self.clients = clients
    self.warmUpSeconds = warmUpSeconds
    self.measuredSeconds = measuredSeconds
    self.timeoutSeconds = timeoutSeconds
    self.loads = loads
  }

  /// Requests per second at load 1.
  public var requestsPerSecond: Double {
    capacity ?? servers.reduce(0) { $0 + Double($1.count * $1.cores) * $1.speed } / (workMs / 1000)
  }
}

/// When servers report.
public struct ReportTiming: Hashable, Sendable {
  /// Milliseconds from one report of a server to its next.
  public var everyMs: Double
  /// How old a report is when it arrives, in milliseconds.
  public var delayMs: Double

  /// Makes a timing.
  public init(everyMs: Double, delayMs: Double) {
    self.everyMs = everyMs
    self.delayMs = delayMs
  }
}

/// A node on which clients are.
public struct ClientNode: Hashable, Sendable {
  /// Its name.
  public var node: String
  /// Its zone; nil where that does not matter.
  public var zone: String?

  /// Makes a node.
  public init(node: String, zone: String? = nil) {
    self.node = node
    self.zone = zone
  }
}
