package import Formats
package import Traffic

/// Dumps of traffic in files, which are one observation.
package struct TrafficFiles: Hashable, Sendable {
  /// The files.
  package var paths: [String]
  /// Their format; nil recognizes it from the content.
  package var format: TrafficFormat?
  /// What the dumps do not say themselves.
  package var options: TrafficReader.Options

  /// Names the files.
  package init(_ paths: [String], format: TrafficFormat? = nil, options: TrafficReader.Options = .init()) {
    self.paths = paths
    self.format = format
    self.options = options
  }

  /// What changes when one of the files does.
  package var stamps: [FileStamp?] { paths.map { FileStamp(path: $0) } }

  /// Reads the files. Blocks.
  ///
  /// - Parameter progress: is told after each chunk which file is read, and how much of it has been, from 0 to 1; nil
  ///   where its size is not known.
  ///
  /// Throws `FileError` or `TrafficError`.
  package func read(progress: (_ file: String, _ share: Double?) -> Void = { _, _ in }) throws -> TrafficReading {
    var reader = TrafficReader(format: format, options: options)
    for path in paths {
      let file = InputFile(path)
      reader.begin(file.name)
      try file.read { state in
        progress(file.name, state.bytesTotal.map { Double(state.bytesRead) / Double(max(1, $0)) })
      } _: { chunk in
        try reader.read(chunk)
      }
      try reader.end()
    }
    return TrafficReading(reader.finish())
  }
}
