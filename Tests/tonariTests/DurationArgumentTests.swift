import ArgumentParser
import Testing

@testable import tonari

@Suite("A duration on the command line")
struct DurationArgumentTests {
  @Test(
    "is numbers with units",
    arguments: [
      ("500ms", .milliseconds(500)),
      ("60s", .seconds(60)),
      ("1.5s", .milliseconds(1500)),
      ("5m", .seconds(300)),
      ("1h30m", .seconds(5400)),
      ("1h1m1s1ms", .milliseconds(3_661_001)),
      ("8760h", .seconds(8760 * 3600)),
    ] as [(String, Duration)]
  )
  func reads(text: String, duration: Duration) throws {
    #expect(try Duration.argument(text) == duration)
  }

  @Test(
    "that is something else is refused with what was expected",
    arguments: [
      "", "60", "s", "60 s", "-1s", "1d", "1.2.3s", "0s", "8785h", "1e999s", "9999999999999h", "nan",
      "١s", "5m ",
    ]
  )
  func refuses(text: String) throws {
    let error = try #require(throws: ValidationError.self) { try Duration.argument(text) }
    #expect(error.message.contains("'\(text)': expected a duration"))
  }
}
