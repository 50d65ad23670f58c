import Formats

/// The mounts that a process sees, as `/proc/self/mountinfo` lists them (proc(5)).
struct MountTable {
  /// A mount.
  struct Entry: Hashable {
    /// The file system, `major:minor`.
    var device: String
    /// What of the file system is mounted, as a path in it.
    var root: String
    /// Where it is mounted.
    var point: String
    /// Its own options, such as `ro`.
    var options: Set<String>
    /// Whether what is mounted below it is seen by those that share it, such as the node.
    var isShared: Bool

    var location: Location { Location(device: device, path: root) }
  }

  /// A folder of a file system, wherever that is mounted.
  struct Location: Hashable {
    var device: String
    var path: String
  }

  /// The mounts, those above others last.
  let entries: [Entry]

  private static let file = "/proc/self/mountinfo"
  private static let mostReadings = 20

  /// The mounts there are now. A long listing comes in pieces, between which mounts may come and go, and kernels before
  /// 5.8 then leave others out: it is read until two readings agree.
  static func current() throws(VolumeError) -> MountTable {
    var before: [UInt8]?
    for _ in 0..<mostReadings {
      guard let bytes = try? InputFile(file).readAll(limit: 64 << 20) else {
        throw VolumeError(.failed, "\(file): cannot be read")
      }
      if bytes == before { return MountTable(String(decoding: bytes, as: UTF8.self)) }
      before = bytes
    }
    throw VolumeError(.failed, "\(file): changed with each of \(mostReadings) readings")
  }

  /// Reads a listing. Lines that are none are left out.
  init(_ text: String) {
    entries = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", omittingEmptySubsequences: false)
      guard fields.count > 6, let end = fields[6...].firstIndex(of: "-") else { return nil }
      return Entry(
        device: String(fields[2]), root: Self.unescaped(fields[3]), point: Self.unescaped(fields[4]),
        options: Set(fields[5].split(separator: ",").map(String.init)),
        isShared: fields[6..<end].contains { $0.hasPrefix("shared:") })
    }
  }

  /// The uppermost mount at a path; nil where none is mounted right there.
  func mount(at path: String) -> Entry? { entries.last { $0.point == path } }

  /// The mount in which a path lies.
  func mount(holding path: String) -> Entry? {
    var found: Entry?
    for entry in entries where entry.point == path || entry.point == "/" || path.hasPrefix(entry.point + "/") {
      if entry.point.utf8.count >= found?.point.utf8.count ?? 0 { found = entry }
    }
    return found
  }

  /// Where in its file system a path lies that has no links in it.
  func location(of path: String) -> Location? {
    guard let mount = mount(holding: path) else { return nil }
    let rest = mount.point == "/" ? path : String(path.dropFirst(mount.point.count))
    return Location(device: mount.device, path: mount.root == "/" ? rest : mount.root + rest)
  }

  /// Blanks and the like are written as a backslash and three octal digits.
  private static func unescaped(_ field: Substring) -> String {
    guard field.contains("\\") else { return String(field) }
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
