import Connections
import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program that is run to its end without input. It gets a process group of its own, which is killed when time is up.
struct ChildProcess {
  /// What a run leaves behind.
  struct Result {
    /// The exit status; 128 and the signal where one has ended it, as shells say.
    var status: Int32
    /// What it wrote to standard output.
    var output: [UInt8] = []
    /// What it wrote to standard error.
    var messages: [UInt8] = []
  }

  /// Why a program could not be run to its end.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// The most bytes that are read of each of the two outputs.
  private static let limit = 1 << 20

  /// A path, or a name that is looked for on the `PATH`.
  var command: String
  var arguments: [String]
  var environment: [String: String]
  var timeout: Duration

  /// Runs the program, on a thread of its own.
  func run() async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Swift.Result { try runBlocking() }) }
    }
  }

  private func runBlocking() throws -> Result {
    let deadline = ContinuousClock.now + timeout
    let (process, output, messages) = try Self.starting.withLock { _ in try start() }
    defer {
      close(output)
      close(messages)
    }
    var result = Result(status: 0)
    do {
      try Self.drain([(output, \.output), (messages, \.messages)], into: &result, until: deadline)
      result.status = try Self.wait(for: process, until: deadline)
      return result
    } catch {
      kill(-process, SIGKILL)
      var status: Int32 = 0
      while waitpid(process, &status, 0) < 0, errno == EINTR {}
      throw error
    }
  }

  /// One at a time, so that no process gets the ends of another's pipes, which would then not seem to end.
  private static let starting = Mutex(())

  private func start() throws -> (process: pid_t, output: Int32, messages: Int32) {
    let output = try Self.makePipe()
    defer { close(output.write) }
    let messages: (read: Int32, write: Int32)
    do {
      messages = try Self.makePipe()
    } catch {
      close(output.read)
      throw error
    }
    defer { close(messages.write) }
    do {
      return (try spawn(output.write, messages.write), output.read, messages.read)
    } catch {
      close(output.read)
      close(messages.read)
      throw error
    }
  }

  private static func makePipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(reason(errno))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  private func spawn(_ output: Int32, _ messages: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, messages, 2)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    var process = pid_t()
    let words = ([command] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    let code = posix_spawnp(&process, command, &actions, &attributes, words, variables)
    guard code == 0 else { throw Failure(description: "cannot be run: \(Self.reason(code))") }
    return process
  }

  /// Reads pipes until both have ended.
  private static func drain(
    _ pipes: [(descriptor: Int32, part: WritableKeyPath<Result, [UInt8]>)], into result: inout Result,
    until deadline: ContinuousClock.Instant
  ) throws {
    var open = pipes
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while !open.isEmpty {
      var polled = open.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else { throw Failure(description: "took too long") }
      let ready = poll(&polled, nfds_t(polled.count), Int32(clamping: left.components.seconds * 1000 + 100))
      guard ready > 0 || errno == EINTR || ready == 0 else { throw Failure(description: "poll: \(reason(errno))") }
      for (index, entry) in polled.enumerated().reversed() where entry.revents != 0 {
        let count = read(entry.fd, &buffer, buffer.count)
        if count > 0 {
          let part = open[index].part
          guard result[keyPath: part].count + count <= limit else { throw Failure(description: "wrote too much") }
          result[keyPath: part].append(contentsOf: buffer[..<count])
        } else if count == 0 || errno != EINTR {
          open.remove(at: index)
        }
      }
    }
  }

  /// Waits for a process that has closed its outputs, and so is about to end.
  private static func wait(for process: pid_t, until deadline: ContinuousClock.Instant) throws -> Int32 {
    var status: Int32 = 0
    while true {
      switch waitpid(process, &status, WNOHANG) {
      case process:
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
      case 0:
        guard ContinuousClock.now < deadline else { throw Failure(description: "took too long") }
        usleep(2000)
      default:
        guard errno == EINTR else { throw Failure(description: "was lost: \(reason(errno))") }
      }
    }
  }

  private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
