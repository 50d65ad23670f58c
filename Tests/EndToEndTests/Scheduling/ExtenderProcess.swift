import ControlPlaneTestSupport
import Foundation

@testable import Connections

/// A `tonari extender` that follows a control plane as the service account of our manifests, with their certificates.
final class ExtenderProcess {
  /// The port that it listens on.
  let port: UInt16
  private let process: TonariProcess
  private let security: TransportSecurity?
  private static let transport = HTTPTransport()

  /// Starts it, and waits until it is ready.
  ///
  /// - Parameter isSecured: whether it is asked by TLS, as our manifests have it, by those with a certificate.
  init(_ plane: ControlPlane, port: UInt16? = nil, isSecured: Bool = true, _ arguments: String...) async throws {
    let port = try port ?? LoopbackListener.freePort()
    self.port = port
    var options = ["--listen", "127.0.0.1:\(port)"]
    if isSecured {
      let certificates = try PartCertificates(in: plane.folder)
      security = try certificates.security(of: "tonari-scheduler", to: "tonari-extender.tonari.svc")
      options += [
        "--tls-cert", certificates.certificate("tonari-extender"), "--tls-key", certificates.key("tonari-extender"),
        "--client-ca", certificates.authority,
      ]
    } else {
      security = nil
    }
    let kubeconfig = try plane.kubeconfig(token: ControlPlane.token(ofServiceAccount: "tonari-extender"))
    process = try TonariProcess(["extender", "--kubeconfig", kubeconfig] + options + arguments)
    try await eventually("the extender is ready: \(process.messagesSoFar)", within: .seconds(60)) {
      try await get("/readyz")?.status == 200
    }
  }

  private var scheme: String { security == nil ? "http" : "https" }

  /// What it answers at a path; nil where it cannot be asked.
  func get(_ path: String) async throws -> (status: Int, text: String)? {
    await send(OutgoingRequest(method: "GET", url: "\(scheme)://127.0.0.1:\(port)\(path)"))
  }

  /// What it answers a scheduler.
  func ask(_ verb: String, _ body: String) async throws -> (status: Int, text: String)? {
    await send(
      OutgoingRequest(method: "POST", url: "\(scheme)://127.0.0.1:\(port)/scheduler/\(verb)", body: Array(body.utf8)))
  }

  /// A figure of its metrics.
  func metric(_ line: String) async throws -> Double {
    let text = try await get("/metrics")?.text ?? ""
    return text.split(separator: "\n").first { $0.hasPrefix("\(line) ") }
      .flatMap { Double($0.dropFirst(line.count + 1)) } ?? 0
  }

  /// What it has logged.
  var log: String { process.messagesSoFar }

  /// Sends a signal, and waits for the end.
  func end(_ signal: Int32) async -> TonariProcess.Result {
    process.send(signal)
    return await process.result()
  }

  private func send(_ request: OutgoingRequest) async -> (status: Int, text: String)? {
    var request = request
    if let security { request.security = security }
    guard let response = try? await Self.transport.send(request),
      let body = try? await response.body.collect(upTo: 1 << 20)
    else { return nil }
    return (Int(response.status), String(decoding: body, as: UTF8.self))
  }

  deinit {
    process.send(SIGKILL)
  }
}
