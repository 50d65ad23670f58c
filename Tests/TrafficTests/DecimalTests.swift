import Testing

@testable import Traffic

private func decimalOf(_ text: String) -> Double? {
  var text = text
  return text.withUTF8 { decimal(UnsafeRawBufferPointer($0)) }
}

@Suite struct DecimalTests {
  @Test("A number is read as the nearest double, as Swift reads it")
  func nearest() {
    var random = SeededGenerator(state: 1)
    for _ in 0..<20_000 {
      var text = ["", "-", "+"].randomElement(using: &random) ?? ""
      text += (0..<Int.random(in: 1...22, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }
        .joined()
      if Bool.random(using: &random) {
        text +=
          "."
          + (0..<Int.random(in: 1...22, using: &random)).map { _ in String(Int.random(in: 0...9, using: &random)) }
          .joined()
      }
      if Bool.random(using: &random) { text += "e\(Int.random(in: -330...310, using: &random))" }
      #expect(decimalOf(text) == Double(text), "\(text)")
    }
  }

  @Test(
    "Numbers at the edges",
    arguments: [
      ("0", 0), ("007", 7), (".5", 0.5), ("5.", 5), ("1E+2", 100), ("9007199254740993", 9_007_199_254_740_992),
      ("1e400", .infinity), ("1e-400", 0), ("1e99999999999999999999", .infinity), ("18446744073709551616", 0x1p64),
    ]
  )
  func edges(_ text: String, _ value: Double) {
    #expect(decimalOf(text) == value)
  }

  @Test(
    "What is no decimal number is none",
    arguments: ["", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "nan", "inf", "Infinity", "1 ", " 1", "1_000", "1,5"]
  )
  func none(_ text: String) {
    #expect(decimalOf(text) == nil)
  }
}
