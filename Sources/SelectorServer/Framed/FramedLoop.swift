import CEpoll
import Dispatching
import Glibc
import Logging
import Selection
import Synchronization

/// Serves connections on one thread: waits for sockets, reads what is there, has it answered, writes the answers in one
/// piece. Its first loop takes the connections and shares them out.
final class FramedLoop {
  private static let bufferSize = 256 << 10
  /// How long statistics may be old.
  private static let publishing: Int64 = 50_000_000
  /// How long no connection is taken after the process ran out of descriptors.
  private static let acceptPause: Int64 = 100_000_000

  private let dispatcher: Dispatcher
  private let options: FramedOptions
  private let mailbox: LoopMailbox
  /// All loops' mailboxes, to share connections out.
  private let peers: [LoopMailbox]
  private var listeners: [Int32]
  private let openConnections: OpenConnections
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
  /// When the last connections are closed; nil while there is no shutdown.
  private var deadline: Moment?

  init(
    _ dispatcher: Dispatcher, _ options: FramedOptions, _ mailbox: LoopMailbox, peers: [LoopMailbox],
    listeners: [Int32],
    openConnections: OpenConnections, logger: Logger
  ) throws(FramedError) {
    self.dispatcher = dispatcher
    self.options = options
    self.mailbox = mailbox
    self.peers = peers
    self.listeners = listeners
    self.openConnections = openConnections
    log = LimitedLog(logger)
    processor = FrameProcessor(dispatcher, options)
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
    input.deallocate()
  }

  /// Serves until the mailbox says that it ends, and the connections have ended or their time is over.
  func run() {
    watch(mailbox.descriptor, EPOLL_CTL_ADD, EPOLLIN.rawValue)
    for listener in listeners { watch(listener, EPOLL_CTL_ADD, EPOLLIN.rawValue) }
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
    } else if listeners.contains(descriptor) {
      accept(from: descriptor, at: now)
    }
  }

  private func watch(_ descriptor: Int32, _ operation: Int32, _ interest: UInt32) {
    var event = epoll_event(events: interest, data: epoll_data_t(fd: descriptor))
    epoll_ctl(poll, operation, descriptor, &event)
  }
}

// MARK: - Connections

extension FramedLoop {
  private func accept(from listener: Int32, at now: Moment) {
    while true {
      let descriptor = tonari_accept(listener)
      guard descriptor >= 0 else {
        if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS {
          log.warning("cannot take a connection", ["reason": "\(String(cString: strerror(errno)))"], at: now)
          for listener in listeners { watch(listener, EPOLL_CTL_MOD, 0) }
          acceptsAgain = Moment(nanoseconds: now.nanoseconds + Self.acceptPause)
          return
        }
        if errno == EAGAIN || errno == EWOULDBLOCK { return }
        // The peer of a connection that waited may be gone already.
        if errno == ECONNABORTED || errno == EINTR { continue }
        return
      }
      isDirty = true
      guard openConnections.add(atMost: options.mostConnections) else {
        statistics.refusedConnections &+= 1
        log.warning("too many connections", ["limit": "\(options.mostConnections)"], at: now)
        close(descriptor)
        continue
      }
      // For a port; a socket in the file system has no such option.
      var yes: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
      let peer = peers[nextPeer % peers.count]
      nextPeer += 1
      if peer === mailbox { add(descriptor) } else { peer.post { $0.sockets.append(descriptor) } }
    }
  }

  private func takeMail(at now: Moment) {
    let mail = mailbox.take()
    for descriptor in mail.sockets { add(descriptor) }
    guard mail.isEnding, deadline == nil else { return }
    deadline = Moment(nanoseconds: now.nanoseconds + Int64(options.shutdownLimit / .nanoseconds(1)))
    for listener in listeners { watch(listener, EPOLL_CTL_DEL, 0) }
    listeners = []
    for case let connection? in connections {
      // What has arrived is still answered.
      receive(connection, at: now)
      guard connections[Int(connection.descriptor)] === connection else { continue }
      end(connection, at: now)
    }
  }

  private func add(_ descriptor: Int32) {
    isDirty = true
    statistics.connections &+= 1
    statistics.openConnections += 1
    while connections.count <= Int(descriptor) { connections.append(nil) }
    let connection = FramedConnection(descriptor, owner: dispatcher.newOwner())
    connections[Int(descriptor)] = connection
    watch(descriptor, EPOLL_CTL_ADD, EPOLLIN.rawValue)
    connection.interest = EPOLLIN.rawValue
    if deadline != nil { end(connection, at: .now) }
  }

  /// Lets a connection go. Its descriptor is closed with its last use, which is after the events at hand.
  private func remove(_ connection: FramedConnection, at now: Moment) {
    watch(connection.descriptor, EPOLL_CTL_DEL, 0)
    connections[Int(connection.descriptor)] = nil
    watching[connection.descriptor] = nil
    statistics.openConnections -= 1
    openConnections.remove()
    if !connection.session.picked.isEmpty {
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
  }

  private func updateInterest(of connection: FramedConnection) {
    var interest: UInt32 = 0
    if connection.unsent.count > 0 { interest |= EPOLLOUT.rawValue }
    if connection.unsent.count <= options.mostUnreadOutput { interest |= EPOLLIN.rawValue }
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
    case .end: remove(connection, at: now)
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
      if connection.unsent.count == 0 { connection.unsent.removeAll() }
    case .later: return
    case .end:
      remove(connection, at: now)
      return
    }
    finish(connection)
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
    guard let next else { return -1 }
    return Int32(clamping: max(0, (next.nanoseconds - now.nanoseconds + 999_999) / 1_000_000))
  }

  private func handleTimers(at now: Moment) {
    if let time = acceptsAgain, time <= now {
      acceptsAgain = nil
      for listener in listeners { watch(listener, EPOLL_CTL_MOD, EPOLLIN.rawValue) }
    }
    if !watching.isEmpty { answerWatches(at: now) }
    if let deadline, deadline <= now {
      for case let connection? in connections { remove(connection, at: now) }
    }
  }

  private func answerWatches(at now: Moment) {
    for (descriptor, due) in watching where due <= now {
      guard let connection = connections[Int(descriptor)] else { continue }
      isDirty = true
      // Whoever does not read is told later, and then the latest.
      guard connection.unsent.count <= options.mostUnreadOutput else {
        watching[descriptor] = Moment(nanoseconds: now.nanoseconds + Self.acceptPause)
        continue
      }
      watching[descriptor] = processor.answerWatches(of: &connection.session, into: &output, at: now)
      if sendOutput(to: connection, at: now) { updateInterest(of: connection) }
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
