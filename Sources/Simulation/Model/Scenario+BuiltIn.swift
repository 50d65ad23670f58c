extension Scenario {
  /// The scenarios that come with Tonari.
  public static let builtIn = [testbed, sinkhole, congestion, manySidecars]

  private static let neighbours = Noise(
    noisyShare: 0.3, noisy: [0.3...0.7, 0.9...1.3], quiet: [1.2...2.0], redrawSeconds: 0.7...1.3)

  /// Twenty servers, half of them at half speed, with neighbours that come and go: the HTTP testbed of a public
  /// implementation of Prequal.
  public static let testbed: Scenario = {
    var scenario = Scenario(
      name: "testbed",
      servers: [
        ServerGroup(count: 10, cores: 4, speed: 0.5, noise: neighbours),
        ServerGroup(count: 10, cores: 4, speed: 1, noise: neighbours),
      ],
      workMs: 40, clients: [20], loads: [0.7, 0.9, 1.05])
    scenario.abstract = "twenty servers, half of them slow, all with noisy neighbours"
    return scenario
  }()

  /// The testbed with two servers, one of each kind, that answer at once with an error and say that they have nothing
  /// to do.
  public static let sinkhole: Scenario = {
    var scenario = testbed
    scenario.name = "sinkhole"
    scenario.abstract = "the testbed with two servers that fail at once"
    scenario.loads = [0.8]
    // The load stays that of the testbed, as if nobody had noticed.
    scenario.capacity = testbed.requestsPerSecond
    scenario.servers = [
      ServerGroup(count: 1, cores: 4, speed: 0.5, noise: neighbours, failureShare: 1),
      ServerGroup(count: 9, cores: 4, speed: 0.5, noise: neighbours),
      ServerGroup(count: 1, cores: 4, speed: 1, noise: neighbours, failureShare: 1),
      ServerGroup(count: 9, cores: 4, speed: 1, noise: neighbours),
    ]
    return scenario
  }()

  /// Four nodes with three replicas each, on two of which others take much of the time, and clients on every node: the
  /// mean over a growing load.
  public static let congestion: Scenario = {
    let speeds = [1, 1, 0.7, 0.4]
    var scenario = Scenario(
      name: "congestion",
      servers: speeds.enumerated().map { n, speed in
        var group = ServerGroup(count: 3, cores: 2, speed: speed, noise: neighbours)
        group.nodes = ["node-\(n + 1)"]
        group.zone = n < 2 ? "zone-1" : "zone-2"
        return group
      },
      workMs: 20, clients: [8], loads: (1...10).map { Double($0) / 10 })
    scenario.abstract = "four nodes, two of them busy with other things"
    scenario.clientNodes = speeds.indices.map { ("node-\($0 + 1)", $0 < 2 ? "zone-1" : "zone-2") }.map(ClientNode.init)
    scenario.networkMs = [0.1, 1, 2, 20]
    return scenario
  }()

  /// The testbed at one load, asked by one client, by ten, by a hundred.
  public static let manySidecars: Scenario = {
    var scenario = testbed
    scenario.name = "many-sidecars"
    scenario.abstract = "the testbed asked by 1, 10 and 100 clients"
    scenario.loads = [0.9]
    scenario.clients = [1, 10, 100]
    scenario.selectors = [1, 3]
    return scenario
  }()
}
