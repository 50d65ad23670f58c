import Model

/// Makes inputs of others by seeded changes: the same seed makes the same inputs.
struct Mutator {
  private let corpus: [[UInt8]]
  private let words: [[UInt8]]
  private let longest: Int
  private var generator: SeededGenerator

  init(_ fuzzer: Fuzzer, seed: UInt64) {
    corpus = fuzzer.corpus
    words = fuzzer.words.map { Array($0.utf8) }
    longest = fuzzer.longest
    generator = SeededGenerator(seed: seed)
  }

  /// Another input.
  mutating func next() -> [UInt8] {
    guard var input = corpus.randomElement(using: &generator) else { return words.first ?? [] }
    for _ in 0...generator.below(4) { change(&input) }
    return Array(input.prefix(longest))
  }

  private mutating func change(_ input: inout [UInt8]) {
    guard !input.isEmpty else {
      input = words.randomElement(using: &generator) ?? [0]
      return
    }
    let at = generator.below(input.count)
    switch generator.below(10) {
    case 0: input[at] ^= 1 << UInt8(generator.below(8))
    case 1: input[at] = UInt8.random(in: 0...255, using: &generator)
    case 2: input.removeSubrange(piece(of: input, from: at))
    case 3: input.insert(contentsOf: input[piece(of: input, from: generator.below(input.count))], at: at)
    case 4, 5:
      guard let word = words.randomElement(using: &generator) else { return }
      if generator.below(2) == 0 {
        input.insert(contentsOf: word, at: at)
      } else {
        input.replaceSubrange(at..<min(input.count, at + word.count), with: word)
      }
    case 6:
      // A piece of another input.
      guard let other = corpus.randomElement(using: &generator), !other.isEmpty else { return }
      let piece = other[piece(of: other, from: generator.below(other.count))]
      input.replaceSubrange(piece.count < input.count - at ? at..<(at + piece.count) : at..<at, with: piece)
    case 7: input.removeSubrange(at...)
    case 8: number(at, in: &input)
    default:
      // Much of the same: what grows with the square of the input shows.
      let piece = Array(input[piece(of: input, from: at)])
      let times = min(1 << generator.below(15), max(0, longest - input.count) / piece.count)
      input.insert(contentsOf: Array(repeating: piece, count: times).joined(), at: at)
    }
  }

  private mutating func piece(of input: [UInt8], from start: Int) -> Range<Int> {
    start..<min(input.count, start + 1 + generator.below(generator.below(4) == 0 ? 256 : 12))
  }

  private static let numbers = [
    "0", "-1", "1e308", "-1e308", "5e-324", "4.5e307", "1e400", "9223372036854775807", "9223372036854775808",
    "18446744073709551616", "-9223372036854775809", "0.1", "1e-7", "4294967296", "2147483648", "inf", "nan",
  ].map { Array($0.utf8) }

  /// Another number where one is, of digits or of bytes.
  private mutating func number(_ at: Int, in input: inout [UInt8]) {
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    if let start = input[at...].firstIndex(where: digits.contains), generator.below(3) > 0 {
      let end = input[start...].firstIndex { !digits.contains($0) } ?? input.endIndex
      input.replaceSubrange(start..<end, with: Self.numbers[generator.below(Self.numbers.count)])
    } else {
      let width = [1, 2, 4, 8][generator.below(4)]
      let value = [0, 1, -1, .max, .min][generator.below(5)] as Int64
      for index in at..<min(input.count, at + width) {
        input[index] = UInt8(truncatingIfNeeded: value >> (8 * Int64(width - 1 - (index - at))))
      }
    }
  }
}
