import Placement
import Testing

@testable import Report

@Suite("Figures as people read them")
struct HumanTests {
  @Test(
    "Numbers keep three digits that count",
    arguments: [
      (0.0, "0"), (0.842, "0.842"), (0.001234, "0.00123"), (1, "1"), (9.999, "10"), (12.34, "12.3"), (99.96, "100"),
      (123.4, "123"), (999.4, "999"), (999.6, "1 k"), (1234.5, "1.23 k"), (1_560_000, "1.56 M"), (-42.5, "−42.5"),
      (999.4e18, "999 E"), (1e21, "–"), (-1e21, "–"), (1e300, "–"), (.infinity, "–"), (.nan, "–"),
    ])
  func number(_ value: Double, _ text: String) {
    #expect(Human.number(value) == text)
  }

  @Test("Traffic in bytes counts by 1024, in requests by 1000")
  func traffic() {
    #expect(Human.traffic(512, unit: .bytesPerSecond) == "512 B/s")
    #expect(Human.traffic(8294.4, unit: .bytesPerSecond) == "8.1 KiB/s")
    #expect(Human.traffic(3.5 * 1024 * 1024, unit: .bytesPerSecond) == "3.5 MiB/s")
    #expect(Human.traffic(12.34, unit: .requestsPerSecond) == "12.3 req/s")
    #expect(Human.traffic(45_600, unit: .requestsPerSecond) == "45.6 k req/s")
  }

  @Test(
    "Only nothing reads 0 % and only all reads 100 %",
    arguments: [
      (0.0, "0 %"), (1e-9, "<0.1 %"), (0.0004, "<0.1 %"), (0.0006, "0.1 %"), (0.842, "84.2 %"), (0.99999, "99.9 %"),
      (1, "100 %"), (1.25, "125.0 %"), (-0.5, "−50.0 %"), (.nan, "–"),
    ])
  func percent(_ value: Double, _ text: String) {
    #expect(Human.percent(value) == text)
  }

  @Test(
    "Durations",
    arguments: [
      (Duration.milliseconds(0), "0 ms"), (.milliseconds(480), "480 ms"), (.milliseconds(9800), "9.8 s"),
      (.milliseconds(59_990), "1 m 00 s"), (.seconds(65), "1 m 05 s"), (.seconds(7380), "2 h 03 m"),
    ])
  func duration(_ value: Duration, _ text: String) {
    #expect(Human.duration(value) == text)
  }

  @Test("Counts have their plural and their thousands set apart")
  func counts() {
    #expect(Human.count(1, "move") == "1 move")
    #expect(Human.count(0, "move") == "0 moves")
    #expect(Human.count(1_234_567, "edge") == "1,234,567 edges")
    #expect(Human.grouped(-1000) == "−1,000")
  }

  @Test("Resources are counted as Kubernetes counts them")
  func resources() {
    #expect(ResourceUnit(usualFor: "cpu").describe(14_250, of: "cpu") == "14.3 cpu")
    #expect(ResourceUnit(usualFor: "memory").describe(3 << 29, of: "memory") == "1.5 GiB memory")
    #expect(ResourceUnit(usualFor: "ephemeral-storage").describe(1024) == "1 KiB")
    #expect(ResourceUnit(usualFor: "nvidia.com/gpu").describe(2, of: "nvidia.com/gpu") == "2 nvidia.com/gpu")
  }
}
