import NIOCore
import NIOPosix
import SelectorProtocol
import Synchronization

@testable import TonariClient

/// A selector on a Unix socket that does as it is told, as a real one would not.
struct ScriptedSelector: Sendable {
  /// Answers a request, or not.
  typealias Script = @Sendable (Tonari_Selector_V1_Envelope) -> [Tonari_Selector_V1_Envelope]

  private let listener: any Channel
  private let log: Log

  /// What came in.
  final class Log: Sendable {
    fileprivate let requests = Mutex<[Tonari_Selector_V1_Envelope]>([])
    fileprivate let connections = Mutex<[any Channel]>([])
  }

  /// Listens at a path.
  init(path: String, _ script: @escaping Script) async throws {
    let log = Log()
    self.log = log
    listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        log.connections.withLock { $0.append(channel) }
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(FrameDecoder(longest: 1 << 20)), ScriptHandler(script: script, log: log),
          ])
        }
      }
      .bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).get()
  }

  /// All requests so far.
  var requests: [Tonari_Selector_V1_Envelope] { log.requests.withLock { $0 } }
  /// How often somebody connected.
  var connectionCount: Int { log.connections.withLock { $0.count } }

  /// Says something that nobody asked for.
  func say(_ bytes: [UInt8]) {
    for connection in log.connections.withLock({ $0 }) {
      connection.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }
  }

  /// Breaks all connections and listens no more.
  func close() async throws {
    try await listener.close()
    for connection in log.connections.withLock({ $0 }) { try? await connection.close() }
  }
}

private final class ScriptHandler: ChannelInboundHandler {
  typealias InboundIn = Tonari_Selector_V1_Envelope

  private let script: ScriptedSelector.Script
  private let log: ScriptedSelector.Log

  init(script: @escaping ScriptedSelector.Script, log: ScriptedSelector.Log) {
    self.script = script
    self.log = log
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let request = unwrapInboundIn(data)
    log.requests.withLock { $0.append(request) }
    var output = ByteBuffer()
    for answer in script(request) { try? output.writeFrame(answer) }
    context.writeAndFlush(NIOAny(output), promise: nil)
  }
}
