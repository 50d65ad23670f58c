import Model
import PlacementTestSupport
import Testing

@testable import Report

@Suite("Text table")
struct TextTableTests {
  @Test("Columns line up, numbers flush right, no line ends in spaces")
  func alignment() {
    var table = TextTable(columns: [.init("name"), .init("count", isNumeric: true), .init("note")], indent: 1)
    table.add(["cart", "7", "first"])
    table.add(["frontend", "12,345"])
    #expect(table.render() == " name       count  note\n cart           7  first\n frontend  12,345\n")
  }

  @Test("Wide characters, combining marks and emoji take the columns they take in a terminal")
  func displayWidth() {
    let cases: [(String, Int)] = [
      ("", 0), ("cart", 4), ("隣", 2), ("tonari 隣", 9), ("e\u{301}", 1), ("🚀", 2), ("👩‍👩‍👧", 2), ("한글", 4), ("ｱ", 1),
      ("→×…", 3),
      ("❤️", 2), ("\u{200B}", 0),
    ]
    for (text, width) in cases { #expect(text.displayWidth == width, "\(text)") }
  }

  @Test("Text is cut to width at its end or in its middle")
  func truncation() {
    #expect("frontend".truncated(to: 8) == "frontend")
    #expect("frontend".truncated(to: 5) == "fron…")
    #expect("隣隣隣".truncated(to: 4) == "隣…")
    #expect("frontend".truncated(to: 0) == "")
    #expect("gke-pool-1a2b".truncatedInMiddle(to: 9) == "gke-p…a2b")
  }

  @Test("Text wraps at spaces, and within a word that is longer than a line")
  func wrapping() {
    #expect("together they need 14 cpu".wrapped(to: 10) == ["together", "they need", "14 cpu"])
    #expect("abcdefgh ij".wrapped(to: 3) == ["abc", "def", "gh", "ij"])
    #expect("".wrapped(to: 5) == [""])
    #expect("隣隣".wrapped(to: 1) == ["隣", "隣"])
  }

  @Test("Colours appear only where they are wanted")
  func colours() {
    var table = TextTable(columns: [.init("a")])
    table.add([TextTable.Cell("good", .good)])
    #expect(table.render(TerminalStyle(color: false)) == "a\ngood\n")
    #expect(table.render(TerminalStyle(color: true)) == "\u{1B}[1ma\u{1B}[0m\n\u{1B}[32mgood\u{1B}[0m\n")
  }

  @Test("A table is never wider than the terminal, unless columns that do not give way demand it")
  func width() {
    let alphabet = Array("abc 隣🚀é\u{202E}\u{1B}\n-,")
    var random = SeededGenerator(seed: 3)
    for _ in 0..<300 {
      let overflows: [TextTable.Overflow] = [.never, .truncate, .truncateMiddle, .wrap]
      let columns = (0..<Int.random(in: 1...5, using: &random)).map { c in
        TextTable.Column(
          "c\(c)", isNumeric: Bool.random(using: &random), overflow: overflows.randomElement(using: &random) ?? .never)
      }
      var table = TextTable(columns: columns, indent: Int.random(in: 0...3, using: &random))
      var rows: [[TextTable.Cell]] = []
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let row = columns.map { _ in
          TextTable.Cell(
            String(
              (0..<Int.random(in: 0...30, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" }))
        }
        table.add(row)
        rows.append(row)
      }
      let width = Int.random(in: 10...90, using: &random)
      let demanded = columns.enumerated().reduce(table.indent + 2 * (columns.count - 1)) { sum, column in
        let widest = rows.map { $0[column.offset].text.displayWidth }.max() ?? 0
        return sum + max(2, column.element.overflow == .never ? widest : min(widest, 8))
      }
      for line in table.render(TerminalStyle(width: width)).split(separator: "\n") {
        #expect(line.displayWidth <= max(width, demanded))
        #expect(!line.hasSuffix(" "))
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E })
      }
    }
  }

  @Test("What could act on a terminal is taken out of an output, but for emphasis")
  func harmless() {
    let style = TerminalStyle(color: true)
    var table = TextTable(columns: [.init("name")])
    table.add([TextTable.Cell("a\u{1B}]0;forged\u{7}\u{9B}2J\u{202E}b", .warning)])
    #expect(!table.render(style).contains("\u{1B}]") && table.render(style).contains("\u{1B}[33m"))
    #expect(TerminalStyle.harmless(table.render(style)) == table.render(style))
    #expect(
      TerminalStyle.harmless("\u{1B}[32mok\u{1B}[0m\tx\n\u{1B}[2J\u{1B}[8m\r\u{9B}A\u{7}\u{85}")
        == "\u{1B}[32mok\u{1B}[0m\tx\n\u{FFFD}[2J\u{FFFD}[8m\u{FFFD}\u{FFFD}A\u{FFFD}\u{FFFD}")
  }
}
