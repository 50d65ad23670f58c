import Foundation
import Testing

@testable import Traffic

/// A generator of its own, so that a run can be repeated anywhere (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

/// Damages dumps: the bytes of real ones, cut, copied, swapped and overwritten.
struct Mutator {
  /// What is likely to matter to a decoder.
  private static let tokens = [
    "{", "}", "[", "]", "\"", ",", ":", "\\", "\n", "\r", "null", "true", "-", "1e999", "0", "\u{FEFF}", "\\ud800",
    "99999999999999999999", "NaN", "[]", "{}", "\"\"", "\u{0}", "\\u00", "\"data\":", "\"flow\":", "#", " ", "(?)",
  ].map { Array($0.utf8) }

  var random: SeededGenerator

  mutating func mutate(_ bytes: inout [UInt8]) {
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard !bytes.isEmpty else { return }
      let position = Int.random(in: 0..<bytes.count, using: &random)
      let end = min(bytes.count, position + Int.random(in: 1...40, using: &random))
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes.removeSubrange(position..<end)
      case 3: bytes.insert(contentsOf: bytes[position..<end], at: Int.random(in: 0...bytes.count, using: &random))
      case 4: bytes.removeSubrange(position...)
      case 5: bytes.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: position)
      default:
        bytes.replaceSubrange(position..<end, with: Self.tokens.randomElement(using: &random) ?? [])
      }
    }
  }
}

/// What came of reading, to compare by.
private enum Outcome: Equatable {
  case dump(records: Int, edges: [TrafficGraph.Edge], endpoints: [TrafficEndpoint], warnings: [String])
  case error(TrafficError)

  init(_ bytes: [UInt8], chunk: Int = .max, format: TrafficFormat? = nil) {
    do {
      let dump = try read(bytes, chunk: chunk, format: format, options: .init(documentLimit: 1 << 20))
      self = .dump(
        records: dump.records,
        edges: dump.graph.edges,
        endpoints: dump.graph.endpoints,
        warnings: dump.warnings
      )
    } catch {
      self = .error(error)
    }
  }
}

@Suite struct FuzzTests {
  /// Runs in all; a million are for a release build by hand.
  private static let runs = ProcessInfo.processInfo.environment["TONARI_FUZZ_RUNS"].flatMap { Int($0) } ?? 10_000

  @Test(
    "A damaged dump is an error or a result with sound rates, and the same one however it is cut",
    arguments: Expected.all.enumerated().map { ($0, $1.name) } + [(100, "prometheus-error.json")]
  )
  func damaged(_ seed: Int, _ name: String) throws {
    let original = try fixture(name)
    var mutator = Mutator(random: SeededGenerator(state: UInt64(seed)))
    for run in 0..<Self.runs / (Expected.all.count + 1) {
      var bytes = original
      mutator.mutate(&bytes)
      let format =
        Bool.random(using: &mutator.random) ? nil : TrafficFormat.allCases.randomElement(using: &mutator.random)
      let outcome = Outcome(bytes, format: format)
      let chunk = run % 16 == 0 ? 1 : Int.random(in: 2...300, using: &mutator.random)
      try #require(Outcome(bytes, chunk: chunk, format: format) == outcome, "run \(run), chunks of \(chunk)")
      switch outcome {
      case .dump(_, let edges, let endpoints, _):
        for edge in edges {
          for rate in [edge.bytesPerSecond, edge.requestsPerSecond].compactMap({ $0 }) {
            try #require(rate >= 0 && rate.isFinite, "run \(run)")
          }
          try #require(endpoints.indices.contains(edge.source) && endpoints.indices.contains(edge.destination))
        }
        // Beside the whole dump, which is part of the same observation then.
        var reader = TrafficReader(format: format, options: .init(documentLimit: 1 << 20))
        try read(bytes, as: "damaged", into: &reader)
        try? read(original, as: "whole", into: &reader)
        for rate in reader.finish().flatMap(\.graph.edges).flatMap({ [$0.bytesPerSecond, $0.requestsPerSecond] }) {
          try #require(rate.map { $0 >= 0 && $0.isFinite } ?? true, "run \(run)")
        }
      case .error(let error):
        try #require(error.source == "dump" && !error.message.isEmpty, "run \(run)")
      }
    }
  }
}
