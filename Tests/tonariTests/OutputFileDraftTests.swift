import Foundation
import Testing

@testable import tonari

@Suite("A file that is written as a whole")
struct OutputFileDraftTests {
  private func withFolder(_ work: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "output-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try work(folder)
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("takes the place of what was there, with its mode, behind a link too, and leaves nothing else")
  func replacing() throws {
    try withFolder { folder in
      let (file, link) = (folder.appending(path: "plan.yaml"), folder.appending(path: "link.yaml"))
      try Data("old".utf8).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: file)
      try OutputFile(path: link.path).write("new")
      #expect(try String(contentsOf: file, encoding: .utf8) == "new")
      #expect(try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int == 0o600)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link.path) == file.path)
      #expect(try names(folder) == ["link.yaml", "plan.yaml"])
    }
  }

  @Test("removes drafts that others left long ago, and nothing else")
  func leftovers() throws {
    try withFolder { folder in
      let old = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -7200)]
      let left = ["plan.yaml.0123456789abcdef.draft", "plan.yaml.notes.draft", "other.yaml.0123456789abcdef.draft"]
      for name in left + ["plan.yaml.fedcba9876543210.draft"] {
        try Data().write(to: folder.appending(path: name))
        if left.contains(name) {
          try FileManager.default.setAttributes(old, ofItemAtPath: folder.appending(path: name).path)
        }
      }
      try OutputFile(path: folder.appending(path: "plan.yaml").path).write("new")
      #expect(
        try names(folder) == [
          "other.yaml.0123456789abcdef.draft", "plan.yaml", "plan.yaml.fedcba9876543210.draft", "plan.yaml.notes.draft",
        ])
    }
  }

  @Test("writes through no link that somebody put where its draft would be")
  func draftNames() throws {
    try withFolder { folder in
      let victim = folder.appending(path: "victim")
      try Data("kept".utf8).write(to: victim)
      // The name that a draft had when it could be guessed.
      let draft = folder.appending(path: "plan.yaml.\(ProcessInfo.processInfo.processIdentifier).draft")
      try FileManager.default.createSymbolicLink(at: draft, withDestinationURL: victim)
      try OutputFile(path: folder.appending(path: "plan.yaml").path).write("new")
      #expect(try String(contentsOf: victim, encoding: .utf8) == "kept")
      #expect(try String(contentsOf: folder.appending(path: "plan.yaml"), encoding: .utf8) == "new")
    }
  }
}
