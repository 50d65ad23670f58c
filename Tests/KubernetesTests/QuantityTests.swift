import Model
import Testing

@testable import Kubernetes

@Suite("A quantity")
struct QuantityTests {
  @Test(
    "is read in every notation",
    arguments: [
      ("0", 0), ("1", 1000), ("100m", 100), ("0.1", 100), (".5", 500), ("5.", 5000), ("+2", 2000), ("-2", -2000),
      ("1k", 1_000_000), ("1Ki", 1_024_000), ("1.5Ki", 1_536_000), ("1e3", 1_000_000), ("1E3", 1_000_000),
      ("1e-3", 1), ("1n", 1), ("-1n", -1), ("1u", 1), ("1001u", 2), ("0.0001", 1), ("1M", 1_000_000_000),
      ("1Mi", 1_048_576_000), ("1G", 1_000_000_000_000), ("1T", 1_000_000_000_000_000), ("007", 7000),
      ("1000000000000000000000000000000000000000000e-42", 1000), ("0.00000000000000000000000000000000000000000001", 1),
      ("00000000000000000000000000000000000000000000000001", 1000), ("1E", Int64.max), ("9999999999999999999999", .max),
      ("-1E", -Int64.max), ("1e99999999", .max), ("1e-99999999", 1), ("0e5", 0), ("1Ei", .max), ("0.5Ei", .max),
    ] as [(String, Int64)]
  )
  func parses(text: String, milli: Int64) {
    #expect(Quantity(text)?.milliValue == milli)
  }

  @Test(
    "is whole units rounded up",
    arguments: [
      ("128Mi", 128 << 20), ("1.5Gi", 3 << 29), ("1P", 1_000_000_000_000_000), ("12E", Int64.max),
      ("7E", 7_000_000_000_000_000_000),
      ("1Ei", 1 << 60), ("7Ei", 7 << 60), ("8Ei", .max), ("0.1", 1), ("-0.1", -1), ("1001m", 2), ("1Pi", 1 << 50),
      ("1Ti", 1 << 40), ("128974848", 128_974_848), ("129e6", 129_000_000), ("129M", 129_000_000),
      ("128974848000m", 128_974_848), ("123Mi", 128_974_848),
    ] as [(String, Int64)]
  )
  func value(text: String, value: Int64) {
    #expect(Quantity(text)?.value == value)
  }

  @Test(
    "is refused where it is none",
    arguments: [
      "", " 1", "1 ", "m", ".", "-", "+-1", "1..2", "1.2.3", "1Kii", "1ki", "1K", "1mi", "1e", "1e1.5", "1E+", "1 Gi",
      "1Gi ", "0x10", "1_000", "١", "1µ", "ten", "1e3m", "--1", "1i", "Infinity", "nan",
    ]
  )
  func refuses(text: String) {
    #expect(Quantity(text) == nil)
  }

  @Test(
    "is printed in canonical form",
    arguments: [
      ("1000m", "1"), ("0", "0"), ("1500m", "1500m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512"),
      ("1000000", "1M"), ("1234567", "1234567"), ("1e6", "1e6"), ("12e3", "12e3"), ("0.001e3", "1"),
      ("100e-3", "100e-3"),
      ("-2048", "-2048"), ("-2Ki", "-2Ki"), ("1n", "1n"), ("0.1n", "1n"), ("2.5Mi", "2560Ki"), ("0.1Ki", "102400m"),
    ]
  )
  func prints(text: String, canonical: String) throws {
    let quantity = try #require(Quantity(text))
    #expect(quantity.description == canonical)
    #expect(Quantity(quantity.description) == quantity)
  }

  @Test("compares by amount, whatever its notation")
  func compares() {
    #expect(Quantity("1000m") == Quantity("1"))
    #expect(Set([Quantity("1Ki"), Quantity("1024"), Quantity("1.024k")]).count == 1)
    #expect(Quantity("1Gi")! > Quantity("1G")!)
  }

  @Test("adds up without overflow")
  func adds() {
    #expect((Quantity("1.5")! + Quantity("500m")!).value == 2)
    #expect((Quantity("8E")! + Quantity("8E")!).value == .max)
    #expect((Quantity("-8E")! + Quantity("-8E")!).value == -Int64.max)
  }

  @Test("is, for random amounts, what integer arithmetic says")
  func random() throws {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<2000 {
      let milli = Int64.random(in: -1_000_000_000_000...1_000_000_000_000, using: &generator)
      let sign = milli < 0 ? "-" : ""
      let fraction = String(abs(milli) % 1000)
      let text = "\(sign)\(abs(milli) / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
      let quantity = try #require(Quantity(text))
      #expect(quantity.milliValue == milli)
      #expect(Quantity("\(milli)m") == quantity)
      #expect(Quantity("\(milli * 1000)u") == quantity)
      let floor = milli / 1000
      #expect(quantity.value == floor + (milli % 1000).signum())
      #expect(Quantity(quantity.description) == quantity)
    }
  }
}
