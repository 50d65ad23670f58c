import Testing

@testable import Traffic

@Suite struct NameTableTests {
  @Test("Names give back what was set last, like a dictionary")
  func dictionary() {
    var random = SeededGenerator(state: 3)
    var table = NameTable()
    var dictionary: [String: Int] = [:]
    for value in 0..<5000 {
      var name = String(repeating: "n", count: Int.random(in: 0...20, using: &random))
      name += String(Int.random(in: 0...2000, using: &random))
      name.withUTF8 { bytes in
        #expect(table[UnsafeRawBufferPointer(bytes)] == dictionary[String(decoding: bytes, as: UTF8.self)])
        table.insert(UnsafeRawBufferPointer(bytes), value)
      }
      dictionary[name] = value
    }
    for (name, value) in dictionary {
      var name = name
      name.withUTF8 { #expect(table[UnsafeRawBufferPointer($0)] == value) }
    }
  }

  @Test("Fingerprints differ where bytes, their order or the seed do")
  func fingerprints() {
    var seen: Set<UInt64> = []
    var count = 0
    for seed in 0..<20 as Range<UInt64> {
      for length in 0...24 {
        for byte in [0, 1, 0xFF] as [UInt8] {
          for position in 0..<max(1, length) {
            var bytes = [UInt8](repeating: 7, count: length)
            if length > 0 { bytes[position] = byte } else if byte > 0 { continue }
            seen.insert(bytes.withUnsafeBytes { fingerprint($0, seed: seed) })
            count += 1
          }
        }
      }
    }
    #expect(seen.count == count)
  }
}
