import Foundation
import Glibc
import Testing

@testable import Connections

struct ListeningSocketTests {
  private static func path() -> String {
    FileManager.default.temporaryDirectory.appending(path: "s-\(UUID().uuidString.prefix(8)).sock").path
  }

  @Test("A socket on which somebody listens is refused, and stays theirs")
  func live() throws {
    let path = Self.path()
    let first = try ListeningSocket(path: path, mode: 0o600)
    #expect { try ListeningSocket(path: path) } throws: { ($0 as? SocketError)?.code == .inUse }
    #expect(access(path, F_OK) == 0)
    first.close()
    #expect(access(path, F_OK) != 0)
  }

  @Test("A socket that its owner left behind is replaced")
  func abandoned() throws {
    let path = Self.path()
    let first = try ListeningSocket(path: path)
    Glibc.close(first.descriptor)
    let second = try ListeningSocket(path: path)
    // Its file is another's by now.
    first.removeFile()
    #expect(access(path, F_OK) == 0)
    second.close()
    #expect(access(path, F_OK) != 0)
  }

  @Test("Files, folders and links are refused and left as they are", arguments: ["file", "folder", "link"])
  func others(kind: String) throws {
    let path = Self.path()
    defer { try? FileManager.default.removeItem(atPath: path) }
    switch kind {
    case "file": try Data("precious".utf8).write(to: URL(filePath: path))
    case "folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere")
    }
    #expect { try ListeningSocket(path: path) } throws: { ($0 as? SocketError)?.code == .inUse }
    var status = stat()
    #expect(lstat(path, &status) == 0)
  }

  @Test("A path that is too long is an invalid address")
  func long() {
    let path = "/tmp/" + String(repeating: "x", count: ListeningSocket.longestPath)
    #expect { try ListeningSocket(path: path) } throws: { ($0 as? SocketError)?.code == .invalidAddress }
  }

  @Test("A port that is taken is refused by its name")
  func port() throws {
    let first = try ListeningSocket(host: "127.0.0.1", port: 0)
    defer { first.close() }
    let port = try #require(first.port)
    #expect(port > 0)
    #expect { try ListeningSocket(host: "127.0.0.1", port: port) } throws: {
      ($0 as? SocketError)?.code == .inUse && "\($0)".contains("127.0.0.1:\(port)")
    }
  }
}
