import Foundation

/// What a process uses, as Linux counts it.
struct ProcessUse {
  /// Memory that is in use, in bytes: what it made itself, without the files that it maps.
  var memory: Int
  /// Open descriptors.
  var descriptors: Int
  /// Threads.
  var threads: Int

  /// Looks at a process; nil where there is none.
  init?(of process: Int32) {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
    else { return nil }
    func number(_ name: String) -> Int? {
      status.split(separator: "\n").first { $0.hasPrefix("\(name):") }?.split(whereSeparator: \.isWhitespace)
        .dropFirst()
        .first.flatMap { Int($0) }
    }
    guard let kilobytes = number("RssAnon"), let threads = number("Threads") else { return nil }
    memory = kilobytes << 10
    self.descriptors = descriptors
    self.threads = threads
  }
}

/// What a process used while it ran.
struct UseHistory {
  private(set) var looks: [ProcessUse] = []

  mutating func add(_ use: ProcessUse) { looks.append(use) }

  /// The looks of a part of the time, from 0 to 1.
  private func part(_ from: Double, _ to: Double) -> ArraySlice<ProcessUse> {
    looks[Int(from * Double(looks.count))..<Int(to * Double(looks.count))]
  }

  /// By how many bytes the last quarter's median is above the second's. The first is for growing to what the load needs.
  var growth: Int { median(part(0.75, 1).map(\.memory)) - median(part(0.25, 0.5).map(\.memory)) }
  /// The same of descriptors.
  var descriptorGrowth: Int { median(part(0.75, 1).map(\.descriptors)) - median(part(0.25, 0.5).map(\.descriptors)) }
  /// The same of threads.
  var threadGrowth: Int { median(part(0.75, 1).map(\.threads)) - median(part(0.25, 0.5).map(\.threads)) }

  /// What there was at the end.
  var memory: Int { median(part(0.75, 1).map(\.memory)) }

  var description: String {
    let (last, most) = (looks.last, looks.map(\.memory).max() ?? 0)
    return "\(memory >> 20) MiB at the end, \(most >> 20) at most, growth \(growth >> 10) KiB; "
      + "\(last?.descriptors ?? 0) descriptors, growth \(descriptorGrowth); "
      + "\(last?.threads ?? 0) threads, growth \(threadGrowth)"
  }

  private func median(_ values: [Int]) -> Int {
    values.isEmpty ? 0 : values.sorted()[values.count / 2]
  }
}
