import Formats
import Foundation
import Kubernetes
import NIOCore

/// The same JSON read and written by typed code and Foundation, deciding nothing: what an extender costs at least that is
/// written in the ordinary way.
struct Peer {
  private struct Arguments: Decodable {
    var pod: Pod
    var nodeNames: [String]?
    var nodes: Nodes?

    struct Nodes: Codable {
      var items: [Node]
    }

    enum CodingKeys: String, CodingKey {
      case pod = "Pod"
      case nodeNames = "NodeNames"
      case nodes = "Nodes"
    }
  }

  private struct FilterResult: Encodable {
    var nodeNames: [String]?
    var nodes: Arguments.Nodes?
    var failedNodes: [String: String] = [:]
    var error = ""

    enum CodingKeys: String, CodingKey {
      case nodeNames = "NodeNames"
      case nodes = "Nodes"
      case failedNodes = "FailedNodes"
      case error = "Error"
    }
  }

  private struct HostPriority: Encodable {
    var host: String
    var score: Int

    enum CodingKeys: String, CodingKey {
      case host = "Host"
      case score = "Score"
    }
  }

  private let decoder = JSONDecoder()
  private let encoder = JSONEncoder()

  /// Answers the size of what was written.
  func filter(_ body: ByteBuffer) throws -> Int {
    let arguments = try decoder.decode(Arguments.self, from: Data(body.readableBytesView))
    return try encoder.encode(FilterResult(nodeNames: arguments.nodeNames, nodes: arguments.nodes)).count
  }

  /// Answers the size of what was written.
  func prioritize(_ body: ByteBuffer) throws -> Int {
    let arguments = try decoder.decode(Arguments.self, from: Data(body.readableBytesView))
    let names = arguments.nodeNames ?? arguments.nodes?.items.map(\.metadata.name) ?? []
    return try encoder.encode(names.map { HostPriority(host: $0, score: 10) }).count
  }

  /// Passes over the text as the extender's own scanner does, and reads nothing.
  static func scan(_ body: ByteBuffer) throws -> Int {
    try body.withUnsafeReadableBytes { bytes in
      var scanner = JSONScanner(bytes.bindMemory(to: UInt8.self))
      try scanner.skipValue()
      return scanner.position
    }
  }
}
