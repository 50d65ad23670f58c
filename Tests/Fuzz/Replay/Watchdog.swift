import Foundation
import Synchronization

/// Says which input it was when one ends the process, and ends the process when one takes too long: a decoder that traps
/// or loops cannot be caught otherwise.
final class Watchdog: @unchecked Sendable {
  // The one field that changes unlocked, `current`, is read by a signal handler on the same thread alone.

  /// No input may take longer. It is far from what any takes on a slow machine.
  private static let patience = Duration.seconds(60)
  private static let signals = [SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE]

  private struct Running {
    var fuzzer: String
    var bytes: UnsafeRawBufferPointer
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  private let name: String
  private var current = UnsafeRawBufferPointer(start: nil, count: 0)
  private let since = Mutex<ContinuousClock.Instant?>(nil)
  private let thread = pthread_self()
  private let stack = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 16)

  /// Watches the thread that makes it.
  init(_ name: String) {
    self.name = name
    _ = Self.key
    pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
    // A stack that is full has no room for a handler.
    var alternative = stack_t(ss_sp: stack, ss_flags: 0, ss_size: 1 << 16)
    sigaltstack(&alternative, nil)
    for signal in Self.signals {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { Watchdog.end($0) }
      action.sa_flags = Int32(SA_ONSTACK) | Int32(bitPattern: UInt32(SA_RESETHAND))
      sigaction(signal, &action, nil)
    }
  }

  deinit {
    stack.deallocate()
  }

  /// Lets a decoder have an input.
  func run(_ fuzzer: Fuzzer, _ input: [UInt8]) throws {
    try input.withUnsafeBytes { bytes in
      current = bytes
      since.withLock { $0 = .now }
      defer {
        since.withLock { $0 = nil }
        current = UnsafeRawBufferPointer(start: nil, count: 0)
      }
      try fuzzer.check(bytes)
    }
  }

  /// Ends the process where an input takes too long; until it is cancelled.
  func watch() async {
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      guard let since = since.withLock({ $0 }), since.duration(to: .now) > Self.patience else { continue }
      pthread_kill(thread, SIGABRT)
    }
  }

  /// No more is watched on this thread.
  func stop() {
    pthread_setspecific(Self.key, nil)
    var none = stack_t(ss_sp: nil, ss_flags: Int32(SS_DISABLE), ss_size: 0)
    sigaltstack(&none, nil)
  }

  /// Writes the input into a file, which `Tests/Fuzz/run <name> <file>` takes, and says so.
  private static func end(_ signal: Int32) {
    if let pointer = pthread_getspecific(key) {
      let watchdog = Unmanaged<Watchdog>.fromOpaque(pointer).takeUnretainedValue()
      let path = "/tmp/fuzz-\(watchdog.name)-\(getpid())"
      let file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
      _ = write(file, watchdog.current.baseAddress, watchdog.current.count)
      close(file)
      let text = "\(watchdog.name): signal \(signal) on the input of \(watchdog.current.count) bytes in \(path)\n"
      _ = text.withCString { write(2, $0, strlen($0)) }
    }
    raise(signal)
  }
}
