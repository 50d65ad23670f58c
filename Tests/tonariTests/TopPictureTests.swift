import Report
import SelectorProtocol
import SwiftProtobuf
import Testing

@testable import tonari

@Suite("The picture of a selector")
struct TopPictureTests {
  private static func service(_ name: String, replicas: Int) -> Tonari_Selector_V1_WatchResponse {
    .with {
      $0.service = name
      $0.policy = "tonari"
      $0.replicas = (0..<replicas).map { number in
        .with {
          $0.replica.address = "10.0.\(number / 256).\(number % 256):8080"
          $0.replica.locality.node = "worker-node-\(number).example"
          $0.picks = UInt64(number)
        }
      }
    }
  }

  @Test(
    "fits the terminal, and breaks no line",
    arguments: [(60, 24, 40), (60, 24, 80), (3, 24, 40), (60, 5, 40), (60, 3, 20), (1000, 50, 200)])
  func fits(replicas: Int, rows: Int, columns: Int) {
    var picture = TopPicture()
    let style = TerminalStyle(width: columns)
    for _ in 0..<2 {
      let text = picture.draw([Self.service("shop/cart", replicas: replicas)], seconds: 1, style, height: rows)
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      #expect(lines.count < rows, "\(text)")
      // The narrowest table is wider than twenty columns.
      #expect(columns < 40 || lines.allSatisfy { $0.count <= columns }, "\(text)")
    }
  }

  @Test("shows each service, counts the replicas without room, and the services where none is left")
  func shares() {
    let style = TerminalStyle(width: 100)
    let services = ["a", "b", "c"].map { Self.service("shop/\($0)", replicas: 40) }
    var picture = TopPicture()
    let text = picture.draw(services, seconds: 1, style, height: 30)
    for name in ["a", "b", "c"] { #expect(text.contains("shop/\(name) (tonari)"), "\(text)") }
    #expect(text.contains("more replicas"))
    let small = picture.draw(services, seconds: 1, style, height: 3)
    #expect(small.contains("shop/a (tonari)") && small.contains("… 2 more services"), "\(small)")
    let all = picture.draw(services, seconds: 1, style)
    #expect(all.split(separator: "\n").count == 3 * 42 && !all.contains("more replicas"))
  }

  @Test("says that a service is not there, and that there is none")
  func missing() {
    var picture = TopPicture()
    let gone = Tonari_Selector_V1_WatchResponse.with {
      $0.service = "shop/none"
      $0.gone = true
    }
    #expect(picture.draw([gone], seconds: 1, TerminalStyle(), height: 24) == "shop/none: no such service\n")
    #expect(picture.draw([], seconds: 1, TerminalStyle()) == "The selector has no services.\n")
  }
}
