import Connections
package import Daemon
import Foundation
import Glibc
package import Logging
package import Selection
import ServiceLifecycle
import Synchronization

/// Serves each pod of a node on sockets of its own, as the volume driver makes folders for them: a pod whose identity
/// appears in `<base>/identities` is served in `<base>/pods/<uid>`, until its identity goes.
///
/// An identity that cannot be read is left out alone, and named.
package final class PodSockets: Service, HealthSource {
  /// The permissions of a pod's sockets: its processes may run as any user, and nobody else sees them.
  package static let socketMode: UInt32 = 0o666

  /// How pods are served.
  package struct Options: Hashable, Sendable {
    /// The most pods at a time; the others are left out.
    package var mostPods: Int
    /// How often the folder is looked at where nothing said that it changed, and a pod is tried again that could not be
    /// served.
    package var rescanInterval: Duration

    /// Makes options. Kubelet runs 110 pods unless it is told otherwise.
    package init(mostPods: Int = 1000, rescanInterval: Duration = .seconds(5)) {
      self.mostPods = mostPods
      self.rescanInterval = rescanInterval
    }
  }

  /// What it does at present.
  package struct Statistics: Hashable, Sendable {
    /// Pods that are served.
    package var pods = 0
    /// Files of identities that cannot be used.
    package var refused = 0
    /// Pods that are left out since there are too many.
    package var tooMany = 0
  }

  private struct State {
    var statistics = Statistics()
    var hasScanned = false
    var fault: String?
  }

  private let base: String
  private let options: Options
  private let serve: @Sendable (Identity.Pod, String) async throws -> Void
  private let logger: Logger
  private let state = Mutex(State())

  /// Makes a service that serves nobody yet.
  ///
  /// - Parameters:
  ///   - base: the folder that the volume driver shows the selector.
  ///   - options: bounds.
  ///   - logger: is told of pods that cannot be served.
  ///   - serve: serves a pod in its folder until its task is cancelled.
  package init(
    _ base: String, options: Options = Options(), logger: Logger = Logger(label: "tonari.selector.pods"),
    serve: @escaping @Sendable (Identity.Pod, String) async throws -> Void
  ) {
    self.base = base
    self.options = options
    self.logger = logger
    self.serve = serve
  }

  /// What it does at present.
  package var statistics: Statistics { state.withLock { $0.statistics } }

  /// How it stands: ready once it has seen the pods that there are.
  package func report() -> HealthReport {
    state.withLock { HealthReport(name: "pods", isReady: $0.hasScanned, fault: $0.fault) }
  }

  /// Adds what it does to a registry.
  package func register(in registry: MetricsRegistry) {
    registry.collect { [self] in
      let statistics = statistics
      var pods = CollectedMetric("tonari_selector_pods", .gauge, "Pods with sockets of their own, by how they stand.")
      pods.add(statistics.pods, [("state", "served")])
      pods.add(statistics.refused, [("state", "refused")])
      pods.add(statistics.tooMany, [("state", "too many")])
      return [pods]
    }
  }

  /// Serves until a graceful shutdown or its task is cancelled; what each pod's connections asked is then answered.
  package func run() async throws {
    await withTaskGroup(of: Event.self) { group in
      var pods = Pods()
      var watch: FolderWatch?
      // Which watch it is; an earlier one says a last time that something changed when it goes.
      var number = 0
      group.addTask { .timer }
      while let event = await group.next() {
        // Pods have been told of the shutdown too, and end by themselves.
        guard !Task.isShuttingDownGracefully, !Task.isCancelled else {
          watch = nil
          continue
        }
        switch event {
        case .ended(let uid):
          // It is tried again at the next look where it should not have ended.
          pods.serving[uid] = nil
          state.withLock { [count = pods.serving.count] in $0.statistics.pods = count }
          continue
        case .timer:
          group.addTask { [options] in
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: options.rescanInterval) }
            return .timer
          }
        case .changed(let watching):
          if watching == number, watch?.isCurrent == true { wait(for: watch, number, in: &group) }
        }
        // First the watch: what comes after the look is then not missed.
        if watch?.isCurrent != true {
          number += 1
          watch = FolderWatch(folder)
          wait(for: watch, number, in: &group)
        }
        look(at: &pods, in: &group)
      }
    }
  }

  private enum Event: Sendable {
    /// It is time to look at the folder, whether it changed or not.
    case timer
    /// The folder changed, or is watched no more.
    case changed(watch: Int)
    /// A pod is served no more.
    case ended(String)
  }

  private func wait(for watch: FolderWatch?, _ number: Int, in group: inout TaskGroup<Event>) {
    guard let changes = watch?.changes else { return }
    group.addTask {
      for await _ in changes { break }
      return .changed(watch: number)
    }
  }

  private struct Pods {
    /// What ends each pod that is served, by its uid.
    var serving: [String: AsyncStream<Never>.Continuation] = [:]
    /// Why the others are not.
    var faults: [String: String] = [:]
  }

  private var folder: String { "\(base)/\(PodFolders.identities)" }

  /// Serves pods that have come, and those no more that have gone.
  private func look(at pods: inout Pods, in group: inout TaskGroup<Event>) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      // The driver makes it. What is served stays until it is known to be gone.
      state.withLock { $0.fault = "\(folder): cannot be read" }
      return
    }
    let uids = names.filter { !$0.hasPrefix(".") && $0.hasSuffix(PodFolders.identitySuffix) }
      .map { String($0.dropLast(PodFolders.identitySuffix.count)) }
    for (uid, stop) in pods.serving where !uids.contains(uid) { stop.finish() }
    pods.faults = pods.faults.filter { uids.contains($0.key) }
    var statistics = Statistics()
    for uid in uids.sorted() where pods.serving[uid] == nil {
      guard pods.serving.count < options.mostPods else {
        statistics.tooMany += 1
        continue
      }
      do throws(IdentityFault) {
        let pod = try identity(uid)
        pods.faults[uid] = nil
        start(pod, &pods, &group)
      } catch {
        statistics.refused += 1
        guard pods.faults.updateValue(error.description, forKey: uid) != error.description else { continue }
        logger.error("An identity cannot be used", metadata: ["error": "\(error)"])
      }
    }
    if statistics.tooMany > 0 {
      logger.error(
        "There are too many pods", metadata: ["limit": "\(options.mostPods)", "left out": "\(statistics.tooMany)"])
    }
    statistics.pods = pods.serving.count
    let fault = statistics.refused + statistics.tooMany > 0
    state.withLock {
      $0 = State(
        statistics: statistics, hasScanned: true,
        fault: fault ? "\(statistics.refused) identities cannot be used, \(statistics.tooMany) pods are left out" : nil)
    }
  }

  private func start(_ pod: Identity.Pod, _ pods: inout Pods, _ group: inout TaskGroup<Event>) {
    let (stopped, stop) = AsyncStream<Never>.makeStream()
    pods.serving[pod.uid] = stop
    let path = "\(base)/\(PodFolders.pods)/\(pod.uid)"
    logger.info("Serving a pod", metadata: ["pod": "\(pod)", "uid": "\(pod.uid)"])
    group.addTask { [serve, logger] in
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          do {
            try await serve(pod, path)
          } catch {
            // What it was stopped by may be wrapped in the transport's error.
            guard !Task.isCancelled else { return }
            logger.error("Cannot serve a pod", metadata: ["pod": "\(pod)", "error": "\(error)"])
          }
        }
        group.addTask { for await _ in stopped {} }
        await group.next()
        group.cancelAll()
      }
      return .ended(pod.uid)
    }
  }

  private struct IdentityFault: Error, CustomStringConvertible {
    var description: String
  }

  /// Reads the identity of a pod.
  private func identity(_ uid: String) throws(IdentityFault) -> Identity.Pod {
    let path = "\(folder)/\(uid)\(PodFolders.identitySuffix)"
    func fault(_ what: String) -> IdentityFault { IdentityFault(description: "\(path): \(what)") }
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("cannot be opened: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: PodFolders.longestIdentity + 1)
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    guard count >= 0 else { throw fault("cannot be read: \(String(cString: strerror(errno)))") }
    guard count <= PodFolders.longestIdentity else {
      throw fault("expected at most \(PodFolders.longestIdentity) bytes")
    }
    guard let pod = try? JSONDecoder().decode(Identity.Pod.self, from: Data(bytes[..<count])) else {
      throw fault("expected JSON with namespace, name, uid and serviceAccount")
    }
    if let what = pod.fault { throw fault(what) }
    guard pod.uid == uid else { throw fault("found uid '\(pod.uid)', expected that of the file's name") }
    return pod
  }
}
