import Formats
import Simulation
import Testing

@Suite("A scenario's file")
struct ScenarioFileTests {
  @Test("is read as it was written", arguments: Scenario.builtIn.map(\.name))
  func roundTrip(name: String) throws {
    var scenario = try #require(Scenario.builtIn.first { $0.name == name })
    scenario.capacity = scenario.requestsPerSecond
    #expect(try Scenario(yaml: scenario.yaml, file: "f") == scenario)
    scenario.name = "it's: 1"
    scenario.reports = ReportTiming(everyMs: 50, delayMs: 2.5)
    scenario.servers[0].tellsCores = false
    #expect(try Scenario(yaml: scenario.yaml, file: "f") == scenario)
  }

  @Test("needs no more than servers and work")
  func short() throws {
    let scenario = try Scenario(yaml: "servers: [{}, {count: 2, cores: 3}]\nworkMs: 10\n", file: "short.yaml")
    #expect(scenario.name == "short.yaml")
    #expect(scenario.servers == [ServerGroup(count: 1, cores: 1), ServerGroup(count: 2, cores: 3)])
    #expect(scenario.requestsPerSecond == 700)
    #expect(scenario.run(.tonari, load: 0.5, seed: 1).errors == 0)
  }

  @Test(
    "is refused with its name, line and field",
    arguments: [
      ("", "f: is empty"), ("servers: [", "f: is not YAML"), ("- 1", "line 1: found a list, expected a mapping"),
      ("workMs: 1", "line 1: found a mapping, expected servers"), ("servers: [{}]", "expected workMs"),
      ("servers: []\nworkMs: 1", "line 1: servers: found a list, expected a list of at least 1"),
      ("servers: [{}]\nworkMs: fast", "line 2: workMs: found 'fast', expected a number from 0.001"),
      ("servers: [{}]\nworkMs: .nan", "line 2: workMs: found '.nan'"),
      (
        "servers:\n- cores: 2\n- cores: 0\nworkMs: 1",
        "line 3: servers[1].cores: found '0', expected a whole number from 1"
      ),
      ("servers:\n- core: 2\nworkMs: 1", "line 2: servers[0].core: unknown, expected one of count, cores"),
      (
        "servers: [{noise: {quiet: [[2, 1]]}}]\nworkMs: 1",
        "servers[0].noise.quiet[0]: found a list, expected the lower"
      ),
      ("servers: [{tellsCores: 3}]\nworkMs: 1", "servers[0].tellsCores: found '3', expected true or false"),
      ("servers: [{}]\nworkMs: 1\nclientNodes: [{zone: z}]", "clientNodes[0]: found a mapping, expected node"),
      ("servers: [{}]\nworkMs: 1\nnetworkMs: {rack: 1}", "networkMs.rack: unknown, expected one of node, zone"),
      ("servers: [{}]\nworkMs: 1\nreports: {delayMs: 1}", "reports: found a mapping, expected everyMs"),
      ("servers: [{}]\nworkMs: 1\ncapacity: 1e9", "expected at most 100000000 requests"),
    ])
  func wrong(text: String, message: String) {
    let error = #expect(throws: FileError.self) { try Scenario(yaml: text, file: "f") }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test("can let servers report, which helps and never harms much, however old the reports are")
  func reports() {
    var scenario = Scenario.manySidecars
    scenario.clients = [9]
    scenario.selectors = [3]
    func p99(_ timing: ReportTiming?) -> Double {
      scenario.reports = timing
      return (1...2).reduce(0) { $0 + scenario.run(.tonari, load: 0.9, seed: $1, selectors: 3).p99Ms }
    }
    let none = p99(nil)
    let fresh = p99(ReportTiming(everyMs: 20, delayMs: 1))
    let old = p99(ReportTiming(everyMs: 200, delayMs: 1000))
    #expect(fresh < 1.1 * none, "\(none) \(fresh)")
    #expect(old < 1.5 * none, "\(none) \(old)")
  }
}
