import Foundation
import Testing

@Suite("Decoders of what comes from outside", .timeLimit(.minutes(60)))
struct FuzzTests {
  /// For how long each decoder gets changed inputs, in seconds; `TONARI_FUZZ_SECONDS` asks for more.
  private static let seconds =
    ProcessInfo.processInfo.environment["TONARI_FUZZ_SECONDS"].flatMap { Double($0) } ?? 1
  /// Where changes begin; `TONARI_FUZZ_SEED` asks for others.
  private static let seed = ProcessInfo.processInfo.environment["TONARI_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  @Test("decode or refuse the saved inputs, and changes of them", arguments: Fuzzer.all)
  func replay(_ fuzzer: Fuzzer) async throws {
    let watchdog = Watchdog(fuzzer.name)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await watchdog.watch() }
      defer { group.cancelAll() }
      try Self.run(fuzzer, watchdog)
    }
  }

  /// Stays on the thread that the watchdog watches.
  private static func run(_ fuzzer: Fuzzer, _ watchdog: Watchdog) throws {
    defer { watchdog.stop() }
    let corpus = fuzzer.corpus
    #expect(!corpus.isEmpty)
    for input in corpus + [[]] { try send(input, to: fuzzer, watchdog) }
    var mutator = Mutator(fuzzer, seed: seed)
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end { try send(mutator.next(), to: fuzzer, watchdog) }
  }

  private static func send(_ input: [UInt8], to fuzzer: Fuzzer, _ watchdog: Watchdog) throws {
    do {
      try watchdog.run(fuzzer, input)
    } catch {
      Issue.record("\(fuzzer.name): \(error)\n  input: \(Data(input).base64EncodedString())")
      throw CancellationError()
    }
  }

  @Test("Each decoder has a name of its own, and no saved inputs are without one")
  func names() throws {
    let names = Fuzzer.all.map(\.name)
    #expect(Set(names).count == names.count)
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus").standardized
    let saved = try FileManager.default.contentsOfDirectory(atPath: folder.path).map { $0.replacing(".txt", with: "") }
    #expect(Set(saved).subtracting(names).isEmpty)
  }
}
