/// Patterns of one group of bins, packed.
struct PatternList {
  private let fields: [PatternLayout.Field]
  private let wordCount: Int
  private var words: [UInt64] = []
  private var gains: [Double] = []
  private(set) var count = 0

  init(_ layout: PatternLayout) {
    fields = layout.fields
    wordCount = layout.wordCount
  }

  mutating func append(_ pattern: [UInt64], gain: Double) {
    words += pattern
    gains.append(gain)
    count += 1
  }

  /// How many replicas of an item a pattern has.
  func count(_ pattern: Int, _ item: Int) -> Int {
    Int((words[pattern * wordCount + fields[item].word] >> fields[item].shift) & fields[item].mask)
  }

  /// What the objective gains by a bin that holds a pattern.
  func gain(_ pattern: Int) -> Double { gains[pattern] }

  /// A pattern's counts by item.
  func counts(_ pattern: Int) -> [Int32] { fields.indices.map { Int32(count(pattern, $0)) } }

  /// Keeps those patterns for which `isKept` holds.
  mutating func keep(_ isKept: (Int) -> Bool) {
    var kept = 0
    for pattern in 0..<count where isKept(pattern) {
      for w in 0..<wordCount { words[kept * wordCount + w] = words[pattern * wordCount + w] }
      gains[kept] = gains[pattern]
      kept += 1
    }
    count = kept
    words.removeLast(words.count - kept * wordCount)
    gains.removeLast(gains.count - kept)
  }
}
