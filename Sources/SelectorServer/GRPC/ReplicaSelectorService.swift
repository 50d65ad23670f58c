import Daemon
import GRPCCore
import Model
import Selection
import SelectorProtocol
import SwiftProtobuf

/// The methods of `tonari.selector.v1.ReplicaSelector`.
///
/// They are written on streams, as the generated code calls them, to know whether an answer was sent.
struct ReplicaSelectorService: Tonari_Selector_V1_ReplicaSelector.StreamingServiceProtocol {
  /// The most watches of one session.
  static let mostWatches = 16
  /// What a watcher is told in one go, before others are.
  private static let watchBytes = 4 << 10
  /// How often peers are told what was dispatched here.
  static let exchangeInterval = Duration.milliseconds(100)

  let messages: SelectorMessages
  let board: WatchBoard
  let watchers = WatchExecutor()
  let pace = WatchPace()
  let name: String
  let now: @Sendable () -> Moment

  func pick(
    request: StreamingServerRequest<Tonari_Selector_V1_PickRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_PickResponse> {
    let request = try await ServerRequest(stream: request)
    guard !context.isOver else { throw RPCError.endedByTransport }
    let caller = try CallerInterceptor.caller
    let response = try answering { () throws(SelectorFault) in
      try messages.pick(request.message, by: caller, at: now(), using: PickAnswer())
    }
    return StreamingServerResponse { writer in
      // A pick that nobody hears of would count as in flight for long.
      do {
        try await writer.write(response)
        if context.isOver { throw RPCError.endedByTransport }
      } catch {
        messages.abandon(pick: response.pickID, of: caller, at: now())
        throw error
      }
      return [:]
    }
  }

  func complete(
    request: StreamingServerRequest<Tonari_Selector_V1_CompleteRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_CompleteResponse> {
    try await unary(request) { messages.complete($0, by: $1, at: now()) }
  }

  func report(
    request: StreamingServerRequest<Tonari_Selector_V1_ReportRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_ReportResponse> {
    try await unary(request) { message, caller throws(SelectorFault) in
      try messages.report(message, by: caller, at: now())
    }
  }

  func register(
    request: StreamingServerRequest<Tonari_Selector_V1_RegisterRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_RegisterResponse> {
    try await unary(request) { message, caller throws(SelectorFault) in
      try messages.register(message, by: caller, at: now())
    }
  }

  func deregister(
    request: StreamingServerRequest<Tonari_Selector_V1_DeregisterRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_DeregisterResponse> {
    try await unary(request) { message, caller throws(SelectorFault) in
      try messages.deregister(message, by: caller, at: now())
    }
  }

  func session(
    request: StreamingServerRequest<Tonari_Selector_V1_Envelope>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_Envelope> {
    let caller = try CallerInterceptor.caller.numbered(messages.dispatcher.newOwner())
    return StreamingServerResponse { writer in
      let peer = Self.peer(of: caller, context)
      try await context.serve { try await converse(request.messages, writer, caller, peer) }
      return [:]
    }
  }

  func watch(
    request: StreamingServerRequest<Tonari_Selector_V1_WatchRequest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_WatchResponse> {
    let request = try await ServerRequest(stream: request)
    let caller = try CallerInterceptor.caller
    let watch = try answering { () throws(SelectorFault) in
      try messages.check(watch: request.message, by: caller)
      return try ServiceWatch(request.message, board, for: Self.peer(of: caller, context))
    }
    return StreamingServerResponse { writer in
      try await withTaskExecutorPreference(watchers) {
        try await context.serve { try await tell(watch) { try await writer.write($0) } }
      }
      return [:]
    }
  }

  func exchange(
    request: StreamingServerRequest<Tonari_Selector_V1_Digest>, context: ServerContext
  ) async throws -> StreamingServerResponse<Tonari_Selector_V1_Digest> {
    let link = PeerLink(try CallerInterceptor.caller.numbered(messages.dispatcher.newOwner()))
    return StreamingServerResponse { writer in
      try await context.serve {
        defer { messages.dispatcher.forget(link, at: now()) }
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            try await withTaskExecutorPreference(watchers) {
              while true {
                try await writer.write(messages.dispatcher.digest(of: name, at: now()))
                try await Task.sleep(for: Self.exchangeInterval)
              }
            }
          }
          for try await digest in request.messages where digest.selector != name {
            messages.dispatcher.hear(digest, from: link, at: now())
          }
          group.cancelAll()
        }
      }
      return [:]
    }
  }
}

// MARK: - What methods have in common

extension ReplicaSelectorService {
  private func answering<Answer>(_ answer: () throws(SelectorFault) -> Answer) throws(RPCError) -> Answer {
    do { return try answer() } catch { throw RPCError(error) }
  }

  private func unary<Request, Answer: Sendable>(
    _ request: StreamingServerRequest<Request>, _ answer: (Request, Caller) throws(SelectorFault) -> Answer
  ) async throws -> StreamingServerResponse<Answer> {
    let request = try await ServerRequest(stream: request)
    let caller = try CallerInterceptor.caller
    let message = try answering { () throws(SelectorFault) in try answer(request.message, caller) }
    return StreamingServerResponse(single: ServerResponse(message: message))
  }

  private func tell(
    _ watch: ServiceWatch, _ write: (Tonari_Selector_V1_WatchResponse) async throws -> Void
  ) async throws {
    var watch = watch
    while true {
      let changes = watch.next(bytes: Self.watchBytes, at: now())
      if !changes.entries.isEmpty {
        try await pace.turn()
        for change in changes.entries { try await write(change.response) }
        await pace.settle(changes.entries.count)
      }
      if changes.isComplete { try await Task.sleep(for: watch.interval) }
    }
  }

  /// Who it is that budgets are for.
  private static func peer(of caller: Caller, _ context: ServerContext) -> Peer {
    caller.pod.map { Peer($0) } ?? Peer("grpc \(context.remotePeer.host)")
  }

  /// Answers the envelopes of a session one after the other: an answer takes microseconds, and a client that does not
  /// read its answers is not read from either.
  private func converse(
    _ requests: RPCAsyncSequence<Tonari_Selector_V1_Envelope, any Error>,
    _ writer: RPCWriter<Tonari_Selector_V1_Envelope>, _ caller: Caller, _ peer: Peer
  ) async throws {
    var picked = PickedServices()
    defer { messages.dispatcher.abandon(owner: caller.owner, of: picked, at: now()) }
    let decision = PickAnswer()
    try await withThrowingTaskGroup(of: Void.self) { group in
      var watches = 0
      for try await envelope in requests {
        guard case .watch(let request) = envelope.message else {
          let answer = messages.answer(envelope, by: caller, at: now(), using: decision)
          if let answer {
            if case .picked(let pick) = answer.message { picked.note(pick: pick.pickID) }
            try await writer.write(answer)
          }
          continue
        }
        do throws(SelectorFault) {
          guard watches < Self.mostWatches else {
            throw SelectorFault(.resourceExhausted, "expected at most \(Self.mostWatches) watches in a session")
          }
          try messages.check(watch: request, by: caller)
          let watch = try ServiceWatch(request, board, for: peer)
          watches += 1
          group.addTask(executorPreference: watchers) {
            try await tell(watch) { response in
              try await writer.write(
                .with {
                  $0.id = envelope.id
                  $0.watched = response
                })
            }
          }
        } catch {
          try await writer.write(
            .with {
              $0.id = envelope.id
              $0.error = Tonari_Selector_V1_Error(error)
            })
        }
      }
      group.cancelAll()
    }
  }
}
