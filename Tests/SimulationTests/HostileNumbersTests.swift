import HostileNumbersTestSupport
import Testing

@testable import Simulation

@Suite("A scenario with any numbers")
struct HostileNumbersTests {
  @Test("is read or refused")
  func scenarios() throws {
    let text = """
      servers: [{count: 2, cores: 3, speed: 1.5, failureShare: 0.1, noise: {noisyShare: 0.5, noisy: [[0.3, 0.7]], quiet: [[1, 1]], redrawSeconds: [1, 2]}}]
      workMs: 10
      clients: [1, 2]
      selectors: [2]
      networkMs: {node: 0.1, zone: 0.5, cluster: 1, remote: 10}
      reports: {everyMs: 100, delayMs: 5}
      digestMs: 100
      warmUpSeconds: 1
      measuredSeconds: 2
      timeoutSeconds: 5
      capacity: 100
      loads: [0.5]
      """
    #expect(throws: Never.self) { try Scenario(yaml: text, file: "f") }
    let variants = HostileNumbers.variants(of: text)
    let read = variants.count { (try? Scenario(yaml: $0.text, file: "f")) != nil }
    #expect(read > 0 && read < variants.count)
  }
}
