import Model
import Testing

@testable import Extender

@Suite struct NameTableTests {
  @Test("Each name has a number of its own, whatever its length")
  func numbers() {
    var table = NameTable()
    var known: [String: Int] = [:]
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<5000 {
      let name = String((0..<generator.below(24)).map { _ in Character(["a", "b", "-", "é"][generator.below(4)]) })
      let number = table.insert(name)
      #expect(known[name] ?? known.count == number)
      known[name] = number
    }
    for (name, number) in known {
      #expect(table[number] == name)
      #expect(table.number(of: name) == number)
    }
    #expect(table.count == known.count)
    #expect(table.number(of: "not there") == nil)
  }
}
