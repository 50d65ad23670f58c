import Foundation
import HostileNumbersTestSupport
import Testing

@testable import Traffic

@Suite("Traffic with any numbers")
struct HostileNumbersTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  static let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []).sorted()

  @Test("is read or refused, whatever its format, and what is read has finite rates", arguments: files)
  func fixtures(file: String) throws {
    let text = try String(contentsOf: Self.folder.appending(path: file), encoding: .utf8)
    let variants = HostileNumbers.variants(of: text, most: 24)
    var refused = 0
    for variant in variants {
      guard let dump = try? read(Array(variant.text.utf8), options: .init(documentLimit: 1 << 20)) else {
        refused += 1
        continue
      }
      for edge in dump.graph.edges {
        #expect((edge.bytesPerSecond ?? 0).isFinite && (edge.requestsPerSecond ?? 0).isFinite, "\(variant.place)")
      }
    }
    #expect(refused < variants.count || file.contains("error"))
  }
}
