import Connections
import ControlPlaneTestSupport
import Foundation
import Kubernetes
import Synchronization

/// Stands between a controller and an API server, sees every call, and can end the controller's life after any of them:
/// the call has its effect, the answer is lost, and nothing passes any more.
final class APIGate: Sendable {
  private final class State: Sendable {
    struct Value {
      var calls: [String] = []
      /// What the API server answered to writes.
      var answers: [(call: String, status: Int)] = []
      var deadAfter: Int?
      var isDead = false
      var isCut = false
      /// Is called before a call passes.
      var before: (@Sendable (String) -> Void)?
      /// Says why a call is refused; nil for one that passes.
      var refuse: (@Sendable (String) -> String?)?
    }

    let value: Mutex<Value>

    init(deadAfter: Int?) { value = Mutex(Value(deadAfter: deadAfter)) }
  }

  private let state: State
  private let server: ScriptedServer

  /// Starts.
  ///
  /// - Parameters:
  ///   - plane: where calls go.
  ///   - calls: after how many calls there is no more; nil for never.
  init(to plane: ControlPlane, deadAfter calls: Int? = nil) throws {
    let state = State(deadAfter: calls)
    self.state = state
    let target = plane.configuration()
    let authorities = try Data(contentsOf: plane.folder.appending(path: "ca.crt"))
    let transport = HTTPTransport()
    server = try ScriptedServer { request, answer in
      let call = "\(request.method) \(request.path)"
      state.value.withLock { $0.before }?(call)
      let isLast: Bool? = state.value.withLock { state in
        guard !state.isDead, !state.isCut else { return nil }
        state.calls.append(call)
        state.isDead = state.calls.count == state.deadAfter
        return state.isDead
      }
      guard let isLast else { return .close }
      if let reason = state.value.withLock({ $0.refuse })?(call) {
        let status = APIStatus(message: reason, reason: "Invalid", code: 422)
        guard let body = try? JSONEncoder().encode(status) else { return .close }
        answer.respond(String(decoding: body, as: UTF8.self), status: 422)
        return .keep
      }
      var outgoing = OutgoingRequest(method: request.method, url: target.server + request.target, timeout: nil)
      let isWatch = request.target.contains("watch=true")
      outgoing.delivery = isWatch ? .streamed : .prompt
      for name in ["content-type", "accept", "impersonate-user"] {
        if let value = request.headers[name] { outgoing.headers.append(.init(name, value)) }
      }
      outgoing.headers.append(.init("Authorization", "Bearer \(ControlPlane.adminToken)"))
      outgoing.security = TransportSecurity(authorities: [UInt8](authorities))
      if !request.body.isEmpty { outgoing.body = request.body }
      let sent = outgoing
      let relay = Relay(answer: answer)
      let done = DispatchSemaphore(value: 0)
      Task {
        defer { done.signal() }
        do {
          let response = try await transport.send(sent)
          if request.method != "GET" { state.value.withLock { $0.answers.append((call, response.status)) } }
          guard !isLast else { return }
          guard isWatch, response.status == 200 else {
            let body = try await response.body.collect(upTo: 32 << 20)
            relay.answer.respond(String(decoding: body, as: UTF8.self), status: response.status)
            relay.isWhole.withLock { $0 = true }
            return
          }
          relay.answer.startStream()
          for try await chunk in response.body {
            if state.value.withLock({ $0.isDead || $0.isCut }) { return }
            guard relay.answer.chunk(String(decoding: chunk, as: UTF8.self)) else { return }
          }
          relay.answer.endStream()
          relay.isWhole.withLock { $0 = true }
        } catch {}
      }
      done.wait()
      return relay.isWhole.withLock { $0 } ? .keep : .close
    }
  }

  /// Where an answer goes, from a task to the connection's thread, which waits for it.
  private final class Relay: Sendable {
    nonisolated(unsafe) let answer: ScriptedServer.Answer
    let isWhole = Mutex(false)

    init(answer: ScriptedServer.Answer) { self.answer = answer }
  }

  /// The way through the gate, as the service account of our manifests.
  var configuration: ClientConfiguration {
    var configuration = ClientConfiguration(server: server.url)
    configuration.credentials.impersonation = Credentials.Impersonation(
      user: "system:serviceaccount:tonari:tonari-overflow")
    return configuration
  }

  /// The calls so far: method and path.
  var calls: [String] { state.value.withLock { $0.calls } }

  /// What the API server answered to writes so far.
  var answers: [(call: String, status: Int)] { state.value.withLock { $0.answers } }

  /// Whether nothing passes any more since the last call.
  var isDead: Bool { state.value.withLock { $0.isDead } }

  /// Lets nothing pass, or everything again.
  func cut(_ isCut: Bool) { state.value.withLock { $0.isCut = isCut } }

  /// Refuses calls as not valid, for a reason each; nil to let all pass again.
  func refuse(_ reason: (@Sendable (String) -> String?)?) { state.value.withLock { $0.refuse = reason } }

  /// Does something before each call passes.
  func before(_ work: (@Sendable (String) -> Void)?) { state.value.withLock { $0.before = work } }
}
