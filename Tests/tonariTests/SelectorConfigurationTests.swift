import ArgumentParser
import Formats
import Foundation
import Overflow
import Selection
import SelectorServer
import Testing

@testable import tonari

@Suite("A selector's configuration file")
struct SelectorConfigurationTests {
  @Test("says what options say, some of them several times")
  func arguments() throws {
    let arguments = try SelectorConfiguration.arguments(
      """
      framed: [unix:/run/s.sock, tcp:127.0.0.1:9000]
      grpc: 0.0.0.0:9443
      insecure: true
      in-cluster: true
      pick-lifetime: 30s
      policy: least-request
      peer: peers.tonari:9443
      """, file: "f")
    let options = try SelectorOptions.parse(arguments)
    #expect(options.framed.map(\.description) == ["unix:/run/s.sock", "tcp:127.0.0.1:9000"])
    #expect(options.grpc == [.host("0.0.0.0", port: 9443)])
    #expect(options.api.inCluster)
    #expect(options.pickLifetime == .seconds(30))
    #expect(options.policy == .leastRequest)
    #expect(options.peers.peer.map(\.host) == ["peers.tonari"])
  }

  @Test("gives way to the command line")
  func commandLine() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "selector-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: path) }
    try Data("{framed: 'unix:/a', policy: random}".utf8).write(to: path)
    for form in [["--config", path.path], ["--config=\(path.path)"]] {
      let line = try SelectorConfiguration.expanded(["selector", "--policy", "tonari"] + form)
      let options = try SelectorOptions.parse(Array(line.dropFirst()))
      #expect(options.policy == .tonari)
      #expect(options.framed.map(\.description) == ["unix:/a"])
    }
    #expect(try SelectorConfiguration.expanded(["plan", "--config", "x"]) == ["plan", "--config", "x"])
  }

  @Test(
    "an error names the file, and what is wrong",
    arguments: [
      ("polcy: random", "f: line 1: polcy: Unknown option '--polcy'"), ("policy: fast", "expected one of random"),
      ("framed: 'unix:/x'\nname: a\npolicy: fast", "f: line 3: policy: "),
      ("in-cluster: maybe", "in-cluster: found 'maybe', expected true or false"),
      ("framed: {a: b}", "framed: found a mapping, expected a list"), ("framed: 'pipe:x'", "expected unix:/path"),
      ("mqtt-user: me", "expected --mqtt with them"),
      ("orca-port: 9", "expected --orca or --orca-service with them"), ("{orca: true, orca-service: a}", "one of them"),
      ("{orca: true, orca-port: 0}", "expected a port"), ("load-query: 'speed=up'", "expected figure=query"),
    ])
  func errors(_ text: String, _ message: String) {
    let error = #expect(throws: FileError.self) { try SelectorConfiguration.arguments(text, file: "f") }
    #expect(error.map { "\($0)" }?.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test("without a place to listen there is no selector")
  func nowhere() {
    #expect(throws: (any Error).self) { try SelectorOptions.parse([]) }
  }
}
