import Testing

@testable import Model

@Suite("Numbers from outside")
struct BoundsTests {
  @Test(
    "become the nearest integer there is",
    arguments: [
      (0, 0), (1.9, 1), (-1.9, -1), (5e-324, 0), (1e308, .max), (-1e308, .min), (.infinity, .max), (-.infinity, .min),
      (.nan, 0), (0x1p62, 1 << 62), (0x1p63, .max), (-0x1p63, .min),
    ] as [(Double, Int)])
  func saturating(number: Double, integer: Int) {
    #expect(Int(saturating: number) == integer)
    #expect(UInt8(saturating: number) == UInt8(clamping: integer))
    #expect(UInt64(saturating: number) == (integer == .max ? .max : UInt64(clamping: integer)) || number == 0x1p63)
  }

  @Test("become a duration of at most 292 years")
  func durations() {
    #expect(Duration.seconds(saturating: 1.5) == .milliseconds(1500))
    #expect(Duration.seconds(saturating: .nan) == .zero)
    #expect(Duration.seconds(saturating: .infinity) == .nanoseconds(Int64.max))
    #expect(Duration.seconds(saturating: -1e300) == .nanoseconds(Int64.min))
    #expect(Duration.milliseconds(-1500).wholeNanoseconds == -1_500_000_000)
    #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
    #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
  }

  @Test(
    "are read as durations, of a century at most",
    arguments: [
      ("500ms", .milliseconds(500)), ("1h30m", .seconds(5400)), ("1.5s", .milliseconds(1500)), ("0s", .zero),
      ("3000000h", .seconds(36_525 * 86_400)), ("1h3000000h", .seconds(36_525 * 86_400)),
      (String(repeating: "9", count: 100_000) + "s", .seconds(36_525 * 86_400)), ("", nil), ("1", nil), ("s", nil),
      ("-1s", nil), ("1e3s", nil), ("infs", nil), ("nans", nil), ("1d", nil), (".s", nil), ("1s ", nil), ("１s", nil),
    ] as [(String, Duration?)])
  func durationTexts(text: String, duration: Duration?) {
    #expect(Duration(text: text) == duration)
  }

  @Test("are refused with what was found and what was expected")
  func refusal() {
    #expect(throws: OutOfBounds(name: "weight", found: "1e+308", expected: "from 1e-06 to 1000000")) {
      try Bounds.weight.checked(1e308)
    }
    let error = #expect(throws: OutOfBounds.self) {
      try Bounds.concurrency.checked(String(repeating: "9", count: 100_000))
    }
    #expect(error?.description.count ?? .max < 120)
    for text in ["nan", "inf", "-1", "0", "5e-324", "1e308", "", "x"] {
      #expect(throws: OutOfBounds.self, "\(text)") { try Bounds.weight.checked(text) }
    }
    #expect(throws: Never.self) { try Bounds.weight.checked("0.5") }
  }

  @Test(
    "are cut to bounds",
    arguments: [(0, 1e-6), (2, 2), (1e308, 1e6), (.nan, 1e-6), (-.infinity, 1e-6)] as [(Double, Double)])
  func clamping(number: Double, within: Double) {
    #expect(Bounds.weight.clamped(number) == within)
  }
}
