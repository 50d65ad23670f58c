import Connections
import ControlPlaneTestSupport
import Foundation

/// An unmodified Envoy, its selector and replicas.
struct SidecarBed {
  let folder: URL
  let replicas: ToyReplicas
  let envoy: EnvoyProcess
  let httpPort: UInt16

  /// Runs `body` with all of them, and ends them.
  ///
  /// - Parameters:
  ///   - files: more files of the folder, by name.
  ///   - options: more options of the selector.
  static func run(
    _ manifest: String = "envoy/picker.yaml", replicas settings: [String], files: [String: String] = [:],
    options: [String] = [], _ change: (String) -> String = { $0 },
    _ body: (inout SelectorProcess, SidecarBed) async throws -> Void
  ) async throws {
    try await Fixtures.withFolder { folder in
      let replicas = try await ToyReplicas.start(settings, in: folder)
      try replicas.write(to: folder.appending(path: "replicas.yaml"))
      for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
      let port = try LoopbackListener.freePort()
      var selector = try await SelectorProcess.start(in: folder, httpPort: port, options)
      do {
        let envoy = try await EnvoyProcess.start(manifest, in: folder, change)
        let bed = SidecarBed(folder: folder, replicas: replicas, envoy: envoy, httpPort: port)
        do {
          try await eventually("Envoy knows the endpoints") {
            await envoy.admin("/clusters")?.contains("shop/cart::\(replicas.addresses[0])::") == true
          }
          try await body(&selector, bed)
        } catch {
          await envoy.server.kill()
          throw error
        }
        await envoy.server.kill()
      } catch {
        selector.process.send(SIGKILL)
        await replicas.server.kill()
        throw error
      }
      selector.process.send(SIGKILL)
      await replicas.server.kill()
    }
  }

  /// Sends a request through Envoy; answers its status, nil where there was none.
  func ask(_ path: String = "/", timeout: Duration = .seconds(20)) async -> Int? {
    var request = OutgoingRequest(url: "http://127.0.0.1:\(envoy.port)\(path)")
    request.timeout = timeout
    guard let response = try? await HTTPTransport.shared.send(request),
      (try? await response.body.collect(upTo: 1 << 20)) != nil
    else { return nil }
    return response.status
  }

  /// Sends requests, some at a time; answers how many there were of each status.
  func ask(times count: Int, width: Int = 4) async -> [Int?: Int] {
    await withTaskGroup(of: Int?.self) { group in
      var statuses: [Int?: Int] = [:]
      for number in 0..<count {
        if number >= width, let status = await group.next() { statuses[status, default: 0] += 1 }
        group.addTask { await ask() }
      }
      for await status in group { statuses[status, default: 0] += 1 }
      return statuses
    }
  }

  /// The sum of a metric of the selector over the labels that contain a text, where there is one; nil where it does not answer.
  func metric(_ name: String, _ label: String? = nil) async -> Double? {
    let request = OutgoingRequest(url: "http://127.0.0.1:\(httpPort)/metrics")
    guard let response = try? await HTTPTransport.shared.send(request),
      let body = try? await response.body.collect(upTo: 1 << 20)
    else { return nil }
    return String(decoding: body, as: UTF8.self).split(separator: "\n")
      .filter { $0.hasPrefix(name + "{") && label.map($0.contains) != false }
      .reduce(0) { $0 + (Double($1.split(separator: " ").last ?? "") ?? 0) }
  }
}

/// A selector on two sockets of a folder.
struct SelectorProcess {
  let process: TonariProcess

  static func start(in folder: URL, httpPort: UInt16, _ options: [String] = []) async throws -> SelectorProcess {
    let process = try TonariProcess(
      [
        "selector", "--picker", "unix:\(folder.path)/picker.sock", "--grpc", "unix:\(folder.path)/grpc.sock",
        "--http", "127.0.0.1:\(httpPort)", "--replicas", "replicas.yaml", "--log-level", "warning",
      ] + options, in: folder)
    try await eventually("the selector is ready") {
      let request = OutgoingRequest(url: "http://127.0.0.1:\(httpPort)/readyz")
      return (try? await HTTPTransport.shared.send(request))?.status == 200
    }
    return SelectorProcess(process: process)
  }
}

extension HTTPTransport {
  /// One for all tests: each has threads of its own.
  static let shared = HTTPTransport()
}
