public import Files
public import Traffic

/// Dumps of traffic in files, which are one observation.
public struct TrafficFiles: Hashable, Sendable {
  /// The files.
  public var paths: [String]
  /// Their format; nil recognizes it from the content.
  public var format: TrafficFormat?
  /// What the dumps do not say themselves.
  public var options: TrafficReader.Options

  /// Names the files.
  public init(_ paths: [String], format: TrafficFormat? = nil, options: TrafficReader.Options = .init()) {
    self.paths = paths
    self.format = format
    self.options = options
  }

  /// What changes when one of the files does.
  public var stamps: [FileStamp?] { paths.map { FileStamp(path: $0) } }

  /// Reads the files. Blocks.
  ///
  /// - Parameter progress: is told after each chunk which file is read, and how much of it has been, from 0 to 1; nil
  ///   where its size is not known.
  ///
  /// Throws `FileError` or `TrafficError`.
  public func read(progress: (_ file: String, _ share: Double?) -> Void = { _, _ in }) throws -> TrafficReading {
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
