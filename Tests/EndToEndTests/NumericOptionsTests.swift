import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

@Suite("Extreme numbers that the command line takes", .timeLimit(.minutes(5)))
struct NumericOptionsTests {
  /// Commands that end on their own, with each option that takes a number.
  static let runs: [(arguments: [String], options: [String])] = [
    (
      ["plan"] + Fixtures.example + ["--effort", "1"],
      ["--effort", "--threads", "--seed", "--lambda", "--move-cost", "--max-moves"]
    ),
    (["evaluate"] + Fixtures.example, ["--lambda", "--move-cost"]),
    (["simulate", "testbed", "--policy", "tonari", "--load", "0.3"], ["--seeds", "--selectors", "--load"]),
  ]

  @Test(
    "end no process by a signal", arguments: runs.indices,
    ["0", "1", "5e-324", "1e308", "9223372036854775807", "18446744073709551615", "nan"])
  func extremes(run: Int, value: String) async throws {
    let (arguments, options) = Self.runs[run]
    for option in options {
      let process = try TonariProcess(arguments + ["\(option)=\(value)"])
      // What takes the number may take its time with it.
      let ending = Task { [identifier = process.identifier] in
        try await Task.sleep(for: .seconds(20))
        kill(identifier, SIGTERM)
      }
      let result = await process.result()
      ending.cancel()
      let isEndedByUs = result.isKilled && result.status == SIGTERM
      #expect(!result.isKilled || isEndedByUs, "\(option)=\(value): \(result.status) \(result.messages.suffix(500))")
      #expect(
        isEndedByUs || (0...4).contains(result.status),
        "\(option)=\(value): \(result.status) \(result.messages.suffix(500))")
    }
  }
}
