import Fleet
import Formats
import Foundation
import Kubernetes
import Logging
import Report
import SelectorProtocol
import SwiftProtobuf
import Synchronization
import Testing

@testable import tonari

@Suite("Names from outside")
struct HostileNamesTests {
  static let name = "a\u{1B}[2J\u{9B}H\r\n2026-12-01T00:00:00Z critical forged:\u{202E}\u{2028}"

  @Test("make no lines of their own in a log, and act on no terminal")
  func logs() throws {
    let pipe = Pipe()
    var logger = Logger(label: "tonari") {
      StreamLogHandler(label: $0, stream: LogLines(output: pipe.fileHandleForWriting))
    }
    logger[metadataKey: "peer"] = "\(Self.name)"
    logger.warning("Refused \(Self.name)", metadata: ["type_url": "\(Self.name)", "list": ["\(Self.name)"]])
    logger.error("Failed", error: Failure())
    try pipe.fileHandleForWriting.close()
    let text = String(decoding: try #require(try pipe.fileHandleForReading.readToEnd()), as: UTF8.self)
    #expect(text.hasSuffix("\n"))
    #expect(text.unicodeScalars.count { $0 == "\n" } == 2)
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
    #expect(!text.contains("\u{202E}") && !text.contains("\u{2028}"))
  }

  private struct Failure: Error, CustomStringConvertible {
    var description: String { HostileNamesTests.name }
  }

  @Test("make no lines of their own in what is said of flows between clusters")
  func flows() throws {
    let said = OverflowPolicy.Condition(
      "Measured", false, reason: "X", message: Self.name, since: "1", observedGeneration: 1)
    let condition = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(said))
    let object: JSONValue = [
      "apiVersion": .string(OverflowPolicy.apiVersion), "kind": .string(OverflowPolicy.kind),
      "metadata": ["name": "cart", "namespace": "shop"], "status": ["conditions": [condition]],
    ]
    let text = FlowTable([PolicyLine(try RawObject(object))]).render(TerminalStyle(width: 400))
    #expect(text.contains("forged"))
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
    #expect(!text.contains("\u{202E}") && !text.contains("\u{2028}"))
    // The table's head and line, and the note.
    #expect(text.split(separator: "\n").count == 3, "\(text)")
  }

  @Test("act on no terminal in what a selector shows, and have one line each")
  func top() {
    let status = Tonari_Selector_V1_WatchResponse.with {
      $0.service = Self.name
      $0.policy = Self.name
      $0.replicas = [
        .with {
          $0.replica.address = Self.name
          $0.replica.locality.node = Self.name
          $0.serviceTimeUs = .max
          $0.others = .infinity
          $0.loadAgeMs = .max
          $0.load = .with { $0.inFlight = .max }
          $0.picks = .max
        }
      ]
      $0.picks = .with {
        $0.node = .max
        $0.zone = .max
      }
      $0.overflow = .with {
        $0.cluster = Self.name
        $0.demandPerMinute = .nan
        $0.neighbours = [
          .with {
            $0.name = Self.name; $0.sentPerMinute = .infinity
          }
        ]
      }
    }
    var picture = TopPicture()
    for _ in 0..<2 {
      let text = picture.draw([status], seconds: 1, TerminalStyle(width: 400))
      #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
      #expect(text.split(separator: "\n").count == 4)
    }
  }
}
