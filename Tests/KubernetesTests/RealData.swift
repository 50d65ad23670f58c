import Foundation
import Testing

/// Published inputs, under the folder that `TONARI_REAL_DATA` names.
enum RealData {
  static var folder: String? { ProcessInfo.processInfo.environment["TONARI_REAL_DATA"] }

  static func bytes(_ path: String) throws -> [UInt8] {
    let folder = try #require(folder, "TONARI_REAL_DATA is not set")
    return Array(try Data(contentsOf: URL(filePath: folder).appending(path: path)))
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips the test where the data is not there, but not in CI: there it fails.
  static func realData(_ path: String) -> Self {
    .enabled(
      if: RealData.folder != nil || ProcessInfo.processInfo.environment["CI"] != nil,
      "TONARI_REAL_DATA is not set: it names the folder that has \(path)"
    )
  }
}
