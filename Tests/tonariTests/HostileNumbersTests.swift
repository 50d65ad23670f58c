import ArgumentParser
import Foundation
import HostileNumbersTestSupport
import Testing

@testable import tonari

@Suite("Options with any numbers")
struct HostileNumbersTests {
  /// An option of a command that takes a value.
  struct Option: CustomTestStringConvertible {
    var command: [String]
    var name: String
    var testDescription: String { (command + [name]).joined(separator: " ") }
  }

  private struct Help: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }

    struct Argument: Decodable {
      var kind: String
      var names: [Name]?
    }

    struct Command: Decodable {
      var commandName: String
      var subcommands: [Command]?
      var arguments: [Argument]?
    }

    var command: Command
  }

  /// All options of all commands, as the parser itself tells them.
  static let options: [Option] = {
    func options(_ command: Help.Command, _ path: [String]) -> [Option] {
      let own = (command.arguments ?? []).filter { $0.kind == "option" }.compactMap { argument in
        argument.names?.first { $0.kind == "long" }.map { Option(command: path, name: "--\($0.name)") }
      }
      return own + (command.subcommands ?? []).flatMap { options($0, path + [$0.commandName]) }
    }
    let help = try? JSONDecoder().decode(Help.self, from: Data(Tonari._dumpHelp().utf8))
    return help.map { options($0.command, []) } ?? []
  }()

  @Test("are known to the parser")
  func known() {
    #expect(Self.options.count > 100)
    #expect(Self.options.contains { $0.testDescription == "plan --time-limit" })
  }

  /// One of each name: commands share how an option is read, and the parser takes long for a command line.
  static let distinct = Dictionary(options.map { ($0.name, $0) }) { first, _ in first }.values.sorted {
    $0.name < $1.name
  }

  @Test("are parsed or refused", arguments: distinct)
  func parsing(option: Option) {
    for text in ["-1", "1e308", "99999999999999999999", "3000000000h"] {
      _ = try? Tonari.parseAsRoot(option.command + ["\(option.name)=\(text)"])
    }
  }

  @Test("in a selector's configuration file are options or refused")
  func configuration() {
    for number in HostileNumbers.texts {
      for text in [
        "pick-lifetime: \(number)", "http: '127.0.0.1:\(number)'", "most-in-flight: \(number)",
        "orca-port: [\(number)]",
      ] {
        _ = try? SelectorConfiguration.arguments(text, file: "f")
      }
    }
  }
}
