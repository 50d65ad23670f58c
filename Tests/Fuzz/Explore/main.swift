import Foundation

// Looks for inputs that go new ways in one decoder, with libFuzzer. `Tests/Fuzz/run` builds and calls it:
//
//     fuzz NAME [libFuzzer's options and folders]
//     fuzz --names                      the decoders
//     fuzz --unpack NAME FOLDER         the inputs to begin with, each a file
//     fuzz --pack NAME FOLDER           the files of a folder, as they are saved in Corpus

/// libFuzzer's own loop.
@_silgen_name("LLVMFuzzerRunDriver")
private func drive(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ input: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(2)
}

private func fuzzer(_ name: String?) -> Fuzzer {
  guard let fuzzer = Fuzzer.all.first(where: { $0.name == name }) else {
    fail("'\(name ?? "")': expected one of \(Fuzzer.all.map(\.name).joined(separator: " "))")
  }
  return fuzzer
}

/// The decoder that libFuzzer's loop sends inputs to.
nonisolated(unsafe) private var current: Fuzzer?

private var arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "--names": for fuzzer in Fuzzer.all { print(fuzzer.name) }
case "--unpack" where arguments.count == 3:
  for (index, input) in fuzzer(arguments[1]).corpus.enumerated() {
    try Data(input).write(to: URL(filePath: arguments[2]).appending(path: "\(index)"))
  }
case "--pack" where arguments.count == 3:
  _ = fuzzer(arguments[1])
  let folder = URL(filePath: arguments[2])
  var inputs: [Data] = []
  for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
    inputs.append(try Data(contentsOf: folder.appending(path: name)))
  }
  inputs.sort { ($0.count, $0.base64EncodedString()) < ($1.count, $1.base64EncodedString()) }
  for input in inputs where !input.isEmpty { print(input.base64EncodedString()) }
default:
  let chosen = fuzzer(arguments.first)
  current = chosen
  let words = FileManager.default.temporaryDirectory.appending(path: "fuzz-\(chosen.name)-\(getpid()).dict")
  let lines = chosen.words.map { word in
    "\"" + word.utf8.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined() + "\"\n"
  }
  try Data(lines.joined().utf8).write(to: words)
  arguments[0] = CommandLine.arguments[0]
  arguments.insert(contentsOf: ["-max_len=\(chosen.longest)", "-dict=\(words.path)"], at: 1)
  var count = CInt(arguments.count)
  var pointers = arguments.map { strdup($0) } + [nil]
  let status = pointers.withUnsafeMutableBufferPointer { buffer -> CInt in
    guard var base = buffer.baseAddress else { return 2 }
    return drive(&count, &base) { data, count in
      do {
        try current?.check(UnsafeRawBufferPointer(start: data, count: count))
      } catch {
        fatalError("\(error)")
      }
      return 0
    }
  }
  exit(status)
}
