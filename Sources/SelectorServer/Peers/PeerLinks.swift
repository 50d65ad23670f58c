package import Daemon
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Glibc
package import Logging
package import Model
import NIOCore
import NIOPosix
package import Selection
import SelectorProtocol
import ServiceLifecycle
import Synchronization

/// Tells other selectors what was dispatched and learnt here, and hears what they say.
///
/// Names are looked up again and again: behind one there may be several selectors, as behind a headless Service, and other
/// ones later.
package final class PeerLinks: Service, HealthSource {
  /// The time between two digests.
  package static let interval = Duration.milliseconds(100)
  private static let lookupInterval = Duration.seconds(5)

  private let peers: [SelectorTarget]
  private let name: String
  private let dispatcher: Dispatcher
  private let access: AccessPolicy
  private let logger: Logger
  private let now: @Sendable () -> Moment
  private let faults = Mutex<[SelectorTarget: String]>([:])

  /// Makes links.
  ///
  /// - Parameters:
  ///   - peers: the other selectors; this one may be among them.
  ///   - name: this selector's name, which no other has.
  ///   - access: says of which services a peer may say who is registered there.
  package init(
    _ peers: [SelectorTarget], name: String, _ dispatcher: Dispatcher, access: AccessPolicy = AccessPolicy(),
    logger: Logger,
    now: @escaping @Sendable () -> Moment = { .now }
  ) {
    self.peers = peers
    self.name = name
    self.dispatcher = dispatcher
    self.access = access
    self.logger = logger
    self.now = now
  }

  /// Never keeps a selector from being ready: it picks without.
  package func report() -> HealthReport {
    let fault = faults.withLock { $0.min { $0.key.description < $1.key.description } }
    return HealthReport(name: "peers", isReady: true, fault: fault.map { "\($0.key): \($0.value)" })
  }

  /// Keeps links until the service is to end.
  package func run() async throws {
    await cancelWhenGracefulShutdown {
      await withTaskGroup(of: Void.self) { group in
        var linked: [SelectorTarget: @Sendable () -> Void] = [:]
        while !Task.isCancelled {
          if let found = await self.lookUp() {
            for (target, end) in linked where !found.contains(target) {
              end()
              linked[target] = nil
              self.faults.withLock { $0[target] = nil }
            }
            for target in found where linked[target] == nil {
              let link = Task { await self.keepLinked(to: target) }
              linked[target] = { link.cancel() }
              group.addTask {
                await withTaskCancellationHandler {
                  await link.value
                } onCancel: {
                  link.cancel()
                }
              }
            }
          }
          try? await Task.sleep(for: Self.lookupInterval)
        }
      }
    }
  }

  /// The addresses of all peers; nil where a name can't be looked up, so that links stay as they are.
  private func lookUp() async -> Set<SelectorTarget>? {
    var found: Set<SelectorTarget> = []
    for peer in peers {
      do {
        let addresses = try await NIOThreadPool.singleton.runIfActive {
          try Self.addresses(of: peer.host, port: peer.port)
        }
        for address in addresses {
          found.insert(
            SelectorTarget(
              host: address, port: peer.port, serverName: peer.serverName ?? peer.host, security: peer.security,
              tokenFile: peer.tokenFile))
        }
        faults.withLock { $0[peer] = nil }
      } catch {
        faults.withLock { $0[peer] = "its name is not known: \(error)" }
        return nil
      }
    }
    return found
  }

  private func keepLinked(to target: SelectorTarget) async {
    var wait = Duration.milliseconds(100)
    while !Task.isCancelled {
      let start = ContinuousClock.now
      do {
        try await link(to: target)
      } catch {
        guard !Task.isCancelled else { return }
        let isNew = faults.withLock { $0.updateValue("\(error)", forKey: target) == nil }
        if isNew { logger.notice("A peer is away", metadata: ["peer": "\(target)", "error": "\(error)"]) }
      }
      wait = start.duration(to: .now) > .seconds(10) ? .milliseconds(100) : min(wait * 2, .seconds(5))
      try? await Task.sleep(for: wait)
    }
  }

  private func link(to target: SelectorTarget) async throws {
    try await withGRPCClient(transport: try target.transport()) { client in
      let selector = Tonari_Selector_V1_ReplicaSelector.Client(wrapping: client)
      try await selector.exchange(metadata: try target.credentials()) { writer in
        while !Task.isCancelled {
          try await writer.write(self.dispatcher.digest(of: self.name, at: self.now()))
          try await Task.sleep(for: Self.interval)
        }
      } onResponse: { response in
        let link = PeerLink(target.caller(owner: self.dispatcher.newOwner(), self.access))
        defer { self.dispatcher.forget(link, at: self.now()) }
        var isHeard = false
        for try await digest in response.messages {
          if !isHeard, self.faults.withLock({ $0.removeValue(forKey: target) }) != nil {
            self.logger.notice("A peer is there", metadata: ["peer": "\(target)"])
          }
          isHeard = true
          guard digest.selector != self.name else { continue }
          self.dispatcher.hear(digest, from: link, at: self.now())
        }
      }
    }
  }

  private static func addresses(of host: String, port: Int) throws -> [String] {
    if (try? SocketAddress(ipAddress: host, port: port)) != nil { return [host] }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var first: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, nil, &hints, &first)
    guard status == 0 else { throw LookupFault(description: String(cString: gai_strerror(status))) }
    defer { freeaddrinfo(first) }
    var addresses: [String] = []
    var next = first
    while let info = next?.pointee {
      var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      if getnameinfo(info.ai_addr, info.ai_addrlen, &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST) == 0 {
        addresses.append(String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
      }
      next = info.ai_next
    }
    return addresses
  }

  private struct LookupFault: Error, CustomStringConvertible { var description: String }
}
