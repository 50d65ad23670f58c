import CEpoll
import Daemon
import Glibc
import Logging
import Model
import Selection
import Synchronization

/// Serves connections on one thread: waits for sockets, reads what is there, has it answered, writes the answers in one
/// piece. Its first loop takes the connections and shares them out.
final class FramedLoop {
  private static let bufferSize = 256 << 10
  /// How long statistics may be old.
  private static let publishing: Int64 = 50_000_000
  /// Connections that go at a time when there is no descriptor left.
  private static let evictions = 8
  /// How often it is looked for connections that take too long.
  private static let sweeping: Int64 = 500_000_000
  /// What watchers are told between two looks at the sockets.
  private static let watchBytes = 256 << 10
  /// How long no connection is taken after the process ran out of descriptors.
  private static let acceptPause: Int64 = 100_000_000
  /// How long it waits for connections to be closed that made room.
  private static let acceptBreath: Int64 = 1_000_000
  /// Connections that are taken at a time: what the others ask, and these first of all, has its turn before there are more.
  private static let acceptedAtATime = 32

  private let dispatcher: Dispatcher
  private let options: FramedOptions
  private let mailbox: LoopMailbox
  /// All loops' mailboxes, to share connections out.
  private let peers: [LoopMailbox]
  private var listeners: [FramedListener]
  /// Those of pods, which are this loop's to close.
  private var podListeners: [FramedListener] = []
  private let shared: FramedShared
  private var log: LimitedLog

  private let poll: Int32
  private var connections: [FramedConnection?] = []
  private var processor: FrameProcessor
  private var output = OutputBuffer(capacity: bufferSize)
  private let input: UnsafeMutableRawBufferPointer
  private var statistics = FramedStatistics()
  private var published: Int64 = 0
  private var isDirty = false
  private var nextPeer = 0
  /// Descriptors of connections that watch, with when they are due.
  private var watching: [Int32: Moment] = [:]
  /// When the listeners are looked at again after a pause; nil while they are.
  private var acceptsAgain: Moment?
  /// When it is looked for connections that take too long.
  private var nextSweep = Moment(nanoseconds: .min)
  /// When the last connections are closed; nil while there is no shutdown.
  private var deadline: Moment?

  init(
    _ dispatcher: Dispatcher, _ options: FramedOptions, _ mailbox: LoopMailbox, peers: [LoopMailbox],
    listeners: [FramedListener], shared: FramedShared, logger: Logger
  ) throws(FramedError) {
    self.dispatcher = dispatcher
    self.options = options
    self.mailbox = mailbox
    self.peers = peers
    self.listeners = listeners
    self.shared = shared
    log = LimitedLog(logger)
    processor = FrameProcessor(dispatcher, options, board: shared.board)
    input = .allocate(
      byteCount: max(Self.bufferSize, 2 * (options.longestMessage + FrameProcessor.headLength)), alignment: 64)
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard poll >= 0 else {
      input.deallocate()
      throw FramedError(.cannotListen, "cannot wait for sockets: \(String(cString: strerror(errno)))")
    }
  }

  deinit {
    close(poll)
    for listener in podListeners { listener.close() }
    input.deallocate()
  }

  /// Serves until the mailbox says that it ends, and the connections have ended or their time is over.
  func run() {
    watch(mailbox.descriptor, EPOLL_CTL_ADD, EPOLLIN.rawValue)
    for listener in listeners { watch(listener.descriptor, EPOLL_CTL_ADD, EPOLLIN.rawValue) }
    withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 256) { events in
      while deadline == nil || connections.contains(where: { $0 != nil }) {
        let count = epoll_wait(poll, events.baseAddress, Int32(events.count), timeout(at: .now))
        let now = Moment.now
        for index in 0..<Int(max(0, count)) {
          let event = events[index]
          handle(event.data.fd, event.events, at: now)
        }
        handleTimers(at: now)
        publish(at: now)
      }
    }
    statistics.decisions = processor.decisions
    mailbox.publish(statistics)
  }

  private func handle(_ descriptor: Int32, _ events: UInt32, at now: Moment) {
    if Int(descriptor) < connections.count, let connection = connections[Int(descriptor)] {
      isDirty = true
      if events & EPOLLOUT.rawValue != 0 { sendUnsent(of: connection, at: now) }
      if events & ~EPOLLOUT.rawValue != 0, connections[Int(descriptor)] === connection { receive(connection, at: now) }
    } else if descriptor == mailbox.descriptor {
      takeMail(at: now)
    } else if let listener = listeners.first(where: { $0.descriptor == descriptor }) {
      accept(from: listener, at: now)
    }
  }

  private func watch(_ descriptor: Int32, _ operation: Int32, _ interest: UInt32) {
    var event = epoll_event(events: interest, data: epoll_data_t(fd: descriptor))
    epoll_ctl(poll, operation, descriptor, &event)
  }
}

// MARK: - Connections

extension FramedLoop {
  private func pauseAccepting(at now: Moment, for time: Int64 = acceptPause) {
    for listener in listeners { watch(listener.descriptor, EPOLL_CTL_MOD, 0) }
    acceptsAgain = Moment(nanoseconds: now.nanoseconds + time)
  }

  private func accept(from listener: FramedListener, at now: Moment) {
    for _ in 0..<Self.acceptedAtATime {
      // Another listener may have found that there are none left.
      guard !Descriptors.areShort else { return pauseAccepting(at: now) }
      guard !shared.ledger.isCrowded else { return pauseAccepting(at: now, for: Self.acceptBreath) }
      let descriptor = tonari_accept(listener.descriptor)
      guard descriptor >= 0 else {
        if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
          Descriptors.yield()
          log.warning("cannot take a connection", ["reason": "\(String(cString: strerror(errno)))"], at: now)
          shared.ledger.evict(Self.evictions, at: now.nanoseconds)
          return pauseAccepting(at: now)
        }
        if errno == EAGAIN || errno == EWOULDBLOCK { return }
        // The peer of a connection that waited may be gone already.
        if errno == ECONNABORTED || errno == EINTR { continue }
        return
      }
      isDirty = true
      let peer = peers[nextPeer % peers.count]
      let owner = dispatcher.newOwner()
      let entry = shared.ledger.admit(
        Self.peer(descriptor, listener), process: tonari_peer_process(descriptor), at: now.nanoseconds
      ) {
        peer.post { $0.evicted.append((descriptor, owner)) }
      }
      guard let entry else {
        statistics.refusedConnections &+= 1
        log.warning("too many connections", ["limit": "\(shared.ledger.limits.total)"], at: now)
        close(descriptor)
        continue
      }
      // For a port; a socket in the file system has no such option.
      var yes: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
      nextPeer += 1
      let socket = LoopMailbox.AcceptedSocket(descriptor: descriptor, owner: owner, entry: entry, listener: listener)
      if peer === mailbox { add(socket, at: now) } else { peer.post { $0.sockets.append(socket) } }
    }
  }

  /// Who is at the other end: a user of this machine, or a host.
  private static func peer(_ descriptor: Int32, _ listener: FramedListener) -> Peer {
    let user = tonari_peer_user(descriptor)
    if let pod = listener.pod { return Peer(pod) }
    if user >= 0 { return Peer("\(listener.address) uid \(user)") }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { host in
      guard let start = host.baseAddress, tonari_peer_host(descriptor, start) else { return Peer("framed unknown") }
      return Peer("framed \(String(cString: start))")
    }
  }

  private func takeMail(at now: Moment) {
    let mail = mailbox.take()
    for socket in mail.sockets { add(socket, at: now) }
    for listener in mail.listeners { listen(on: listener) }
    for listener in mail.ended { drop(listener, at: now) }
    for (descriptor, owner) in mail.evicted {
      guard Int(descriptor) < connections.count, let connection = connections[Int(descriptor)],
        connection.session.owner == owner
      else { continue }
      statistics.evicted &+= 1
      remove(connection, at: now)
    }
    guard mail.isEnding, deadline == nil else { return }
    deadline = now + options.shutdownLimit
    for listener in listeners { watch(listener.descriptor, EPOLL_CTL_DEL, 0) }
    listeners = []
    for case let connection? in connections { drain(connection, at: now) }
  }

  /// Answers what was sent so far, and then nothing more. On this machine nothing can be sent from here on, and what was is
  /// there to be read: nobody sends a request that is not answered.
  private func drain(_ connection: FramedConnection, at now: Moment) {
    guard connection.isLocal else {
      receive(connection, at: now)
      if connections[Int(connection.descriptor)] === connection { end(connection, at: now) }
      return
    }
    connection.isDraining = true
    shutdown(connection.descriptor, Int32(SHUT_RD))
    while connections[Int(connection.descriptor)] === connection, !connection.isEnding,
      connection.unsent.count <= options.mostUnreadOutput
    { receive(connection, at: now) }
  }

  /// Takes connections of a pod's socket from now on.
  private func listen(on listener: FramedListener) {
    podListeners.append(listener)
    guard deadline == nil else { return }
    listeners.append(listener)
    watch(listener.descriptor, EPOLL_CTL_ADD, acceptsAgain == nil ? EPOLLIN.rawValue : 0)
  }

  /// Takes no connection of a pod's socket any more, and closes those that there are.
  private func drop(_ listener: FramedListener, at now: Moment) {
    isDirty = true
    listeners.removeAll { $0 === listener }
    if let index = podListeners.firstIndex(where: { $0 === listener }) {
      watch(listener.descriptor, EPOLL_CTL_DEL, 0)
      podListeners.remove(at: index).close()
    }
    for case let connection? in connections where connection.listener === listener { remove(connection, at: now) }
  }

  private func add(_ socket: LoopMailbox.AcceptedSocket, at now: Moment) {
    let descriptor = socket.descriptor
    isDirty = true
    statistics.connections &+= 1
    statistics.openConnections += 1
    while connections.count <= Int(descriptor) { connections.append(nil) }
    let connection = FramedConnection(socket, options.access, at: now)
    connections[Int(descriptor)] = connection
    watch(descriptor, EPOLL_CTL_ADD, EPOLLIN.rawValue)
    connection.interest = EPOLLIN.rawValue
    if socket.listener.isOver { return remove(connection, at: now) }
    // While it waited to be taken it may have asked already: once it has an answer it does not make room for who never asks.
    if deadline != nil { drain(connection, at: now) } else { receive(connection, at: now) }
  }

  /// Lets a connection go. Its descriptor is closed with its last use, which is after the events at hand.
  private func remove(_ connection: FramedConnection, at now: Moment) {
    watch(connection.descriptor, EPOLL_CTL_DEL, 0)
    connections[Int(connection.descriptor)] = nil
    watching[connection.descriptor] = nil
    statistics.openConnections -= 1
    shared.ledger.leave(connection.entry)
    if connection.counted > 0 { shared.bytes.give(connection.counted, from: connection.session.peer) }
    connection.counted = 0
    if !connection.session.picked.isEmpty || connection.session.hasRegistered {
      dispatcher.abandon(owner: connection.session.owner, of: connection.session.picked, at: now)
    }
  }

  /// Answers nothing more of a peer, and lets it go once it has everything.
  private func end(_ connection: FramedConnection, at now: Moment) {
    connection.isEnding = true
    watching[connection.descriptor] = nil
    finish(connection)
    updateInterest(of: connection)
  }

  /// Says that nothing more comes, once everything is sent. The peer then closes; until it does, what it still sends is
  /// read and thrown away, since closing before would take away what it has not read yet.
  private func finish(_ connection: FramedConnection) {
    guard connection.isEnding, !connection.isFinished, connection.unsent.count == 0 else { return }
    shutdown(connection.descriptor, Int32(SHUT_WR))
    connection.isFinished = true
    // The other end has all there is, and can send nothing that would be lost.
    if connection.isDraining { remove(connection, at: .now) }
  }

  /// Counts the bytes that a connection holds. Answers whether it may.
  private func count(_ connection: FramedConnection, at now: Moment) -> Bool {
    connection.restSince = connection.restCount > 0 ? connection.restSince ?? now : nil
    connection.unsentSince = connection.unsent.count > 0 ? connection.unsentSince ?? now : nil
    // Little things come and go with each message: they are bounded by the number of connections.
    let held = connection.held > 4096 ? connection.held : 0
    guard held != connection.counted else { return true }
    if held < connection.counted {
      shared.bytes.give(connection.counted - held, from: connection.session.peer)
    } else if !shared.bytes.take(held - connection.counted, for: connection.session.peer) {
      statistics.overfull &+= 1
      log.warning("closed a connection", ["reason": "its peer holds too many bytes"], at: now)
      remove(connection, at: now)
      return false
    }
    connection.counted = held
    return true
  }

  /// Closes connections that take too long to send a message, to read, or to do anything at all.
  private func sweep(at now: Moment) {
    func isOver(_ since: Moment?, _ limit: Duration) -> Bool {
      since.map { now.nanoseconds - $0.nanoseconds > limit.wholeNanoseconds } ?? false
    }
    for case let connection? in connections {
      let isWaitingForPeer = connection.unsent.count > options.mostUnreadOutput
      let isLate =
        !isWaitingForPeer && isOver(connection.restSince, options.messageTimeout)
        || isOver(connection.unsentSince, options.writeTimeout)
        || connection.session.watches.isEmpty && isOver(connection.lastMessage, options.idleTimeout)
      guard isLate else { continue }
      statistics.timedOut &+= 1
      isDirty = true
      remove(connection, at: now)
    }
  }

  private func updateInterest(of connection: FramedConnection) {
    var interest: UInt32 = 0
    if connection.unsent.count > 0 { interest |= EPOLLOUT.rawValue }
    if connection.unsent.count <= options.mostUnreadOutput, !(connection.isDraining && connection.isEnding) {
      interest |= EPOLLIN.rawValue
    }
    guard interest != connection.interest else { return }
    connection.interest = interest
    watch(connection.descriptor, EPOLL_CTL_MOD, interest)
  }
}

// MARK: - Bytes

extension FramedLoop {
  /// Reads what is there and answers it.
  private func receive(_ connection: FramedConnection, at now: Moment) {
    let kept = connection.takeRest(into: input)
    switch connection.read(into: UnsafeMutableRawBufferPointer(rebasing: input[kept...])) {
    case .bytes(let count):
      guard !connection.isEnding else { return }
      statistics.bytesRead &+= UInt64(count)
      answer(UnsafeRawBufferPointer(rebasing: input[..<(kept + count)]), of: connection, at: now)
    case .later: connection.keep(UnsafeRawBufferPointer(rebasing: input[..<kept]))
    case .end:
      if connection.isDraining, !connection.isEnding { end(connection, at: now) } else { remove(connection, at: now) }
    }
  }

  /// Answers frames until they are used up or the peer does not read the answers.
  private func answer(_ bytes: UnsafeRawBufferPointer, of connection: FramedConnection, at now: Moment) {
    var position = 0
    while connection.unsent.count <= options.mostUnreadOutput {
      let progress = processor.process(
        UnsafeRawBufferPointer(rebasing: bytes[position...]), of: &connection.session, into: &output, at: now)
      position += progress.consumed
      statistics.frames &+= UInt64(progress.frames)
      statistics.picks &+= UInt64(progress.picks)
      if progress.frames > 0 {
        connection.restSince = nil
        connection.lastMessage = now
        connection.entry.noteAnswer(at: now.nanoseconds)
      }
      let isMore = output.count >= FrameProcessor.enoughOutput
      guard sendOutput(to: connection, at: now) else { return }
      if let fault = progress.fault {
        statistics.malformed &+= 1
        log.warning("closed a connection", ["reason": "\(fault)"], at: now)
        remove(connection, at: now)
        return
      }
      if !isMore { break }
    }
    connection.keep(UnsafeRawBufferPointer(rebasing: bytes[position...]))
    guard count(connection, at: now) else { return }
    if !connection.session.watches.isEmpty, watching[connection.descriptor] == nil {
      watching[connection.descriptor] = now
    }
    updateInterest(of: connection)
  }

  /// Sends what was answered; what the socket does not take waits. Answers whether the connection is still there.
  private func sendOutput(to connection: FramedConnection, at now: Moment) -> Bool {
    defer { output.removeAll() }
    guard output.count > 0 else { return true }
    guard connection.unsent.count == 0 else {
      connection.unsent.append(output.bytes)
      return true
    }
    switch connection.write(output.bytes) {
    case .bytes(let count):
      statistics.bytesWritten &+= UInt64(count)
      if count < output.count { connection.unsent.append(UnsafeRawBufferPointer(rebasing: output.bytes[count...])) }
    case .later: connection.unsent.append(output.bytes)
    case .end:
      remove(connection, at: now)
      return false
    }
    return true
  }

  /// Sends what waited, and goes on with frames that waited for that.
  private func sendUnsent(of connection: FramedConnection, at now: Moment) {
    switch connection.write(connection.unsent.bytes) {
    case .bytes(let count):
      statistics.bytesWritten &+= UInt64(count)
      connection.unsent.drop(count)
      connection.unsentSince = nil
      if connection.unsent.count == 0 { connection.unsent.removeAll() }
    case .later: return
    case .end:
      remove(connection, at: now)
      return
    }
    finish(connection)
    guard connections[Int(connection.descriptor)] === connection, self.count(connection, at: now) else { return }
    if !connection.isEnding, connection.restCount > 0, connection.unsent.count <= options.mostUnreadOutput {
      let kept = connection.takeRest(into: input)
      answer(UnsafeRawBufferPointer(rebasing: input[..<kept]), of: connection, at: now)
    } else {
      updateInterest(of: connection)
    }
  }
}

// MARK: - Time

extension FramedLoop {
  /// How long to wait at most, in milliseconds; -1 for ever.
  private func timeout(at now: Moment) -> Int32 {
    var next = watching.values.min()
    if isDirty { next = min(next ?? .end, Moment(nanoseconds: published + Self.publishing)) }
    if let acceptsAgain { next = min(next ?? .end, acceptsAgain) }
    if let deadline { next = min(next ?? .end, deadline) }
    if statistics.openConnections > 0 { next = min(next ?? .end, nextSweep) }
    guard let next else { return -1 }
    return Int32(clamping: max(0, (next.nanoseconds - now.nanoseconds + 999_999) / 1_000_000))
  }

  private func handleTimers(at now: Moment) {
    if let time = acceptsAgain, time <= now {
      if Descriptors.recover() {
        acceptsAgain = nil
        for listener in listeners { watch(listener.descriptor, EPOLL_CTL_MOD, EPOLLIN.rawValue) }
      } else {
        shared.ledger.evict(Self.evictions, at: now.nanoseconds)
        acceptsAgain = Moment(nanoseconds: now.nanoseconds + Self.acceptPause)
      }
    }
    if !watching.isEmpty { answerWatches(at: now) }
    if now >= nextSweep {
      nextSweep = Moment(nanoseconds: now.nanoseconds + Self.sweeping)
      sweep(at: now)
    }
    if let deadline, deadline <= now {
      for case let connection? in connections { remove(connection, at: now) }
    }
  }

  private func answerWatches(at now: Moment) {
    var left = Self.watchBytes
    for (descriptor, due) in watching where due <= now && left > 0 {
      guard let connection = connections[Int(descriptor)] else { continue }
      isDirty = true
      // Whoever does not read is told later, and then the latest.
      guard connection.unsent.count <= options.mostUnreadOutput else {
        watching[descriptor] = Moment(nanoseconds: now.nanoseconds + Self.acceptPause)
        continue
      }
      watching[descriptor] = processor.answerWatches(of: &connection.session, into: &output, bytes: left, at: now)
      left -= output.count
      if sendOutput(to: connection, at: now), count(connection, at: now) { updateInterest(of: connection) }
    }
  }

  private func publish(at now: Moment) {
    guard isDirty, now.nanoseconds >= published + Self.publishing else { return }
    isDirty = false
    published = now.nanoseconds
    statistics.decisions = processor.decisions
    mailbox.publish(statistics)
  }
}

extension Moment {
  /// Later than any other.
  fileprivate static let end = Moment(nanoseconds: .max)
}
