/// Reads what a client sends by HTTP/2 just as far as to know what it costs: the frames that cost their sender nothing, and
/// the messages of gRPC that have not come in whole; and which ping it acknowledged last. It decodes no headers, and has no
/// clock.
struct HTTP2Meter {
  /// What a client may do.
  struct Limits: Hashable, Sendable {
    /// How many of a kind of frame may come at once, and each second.
    struct Rate: Hashable, Sendable {
      var burst: Double
      var perSecond: Double
    }

    /// Streams that are reset.
    var resets = Rate(burst: 2000, perSecond: 200)
    /// Pings, settings and priorities, each of which is answered, or changes nothing.
    var controls = Rate(burst: 500, perSecond: 50)
    /// Updates of windows, parts of long heads, and frames of kinds that nobody knows.
    var updates = Rate(burst: 10_000, perSecond: 2000)
    /// Frames of data without data.
    var empty = Rate(burst: 1000, perSecond: 100)
    /// Messages that are not complete, in bytes.
    var pendingBytes = 16 << 20
    /// A message of fewer bytes is not counted: those are bounded by the number of streams.
    var uncounted = 4096
  }

  /// Why a connection has to go.
  enum Fault: String {
    case preface = "it does not speak HTTP/2"
    case resets = "it resets streams at a high rate"
    case controls = "it sends pings, settings or priorities at a high rate"
    case updates = "it sends window updates, or frames that nobody knows, at a high rate"
    case empty = "it sends empty frames at a high rate"
    case pending = "its messages that are not complete are too large"
  }

  private struct Bucket {
    var level: Double
    var counted: Int64

    mutating func take(_ rate: Limits.Rate, _ cost: Double = 1, at now: Int64) -> Bool {
      level = min(rate.burst, level + Double(max(0, now - counted)) * 1e-9 * rate.perSecond) - cost
      counted = now
      return level >= 0
    }
  }

  /// A message of a stream that is not complete.
  private struct Message {
    /// Bytes of its head so far.
    var head: [UInt8] = []
    /// Bytes that are to come; nil while the head is not complete.
    var left: Int?
    /// Bytes that are counted for it.
    var counted = 0
  }

  private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  private static let headLength = 9

  private let limits: Limits
  private var prefaceRead = 0
  private var head: [UInt8] = []
  /// Of the frame at hand: bytes that are to come, and of them the padding.
  private var left = 0
  private var padding = 0
  private var wantsPadding = false
  private var stream: UInt32 = 0
  private var ends = false
  private var isData = false
  /// What an acknowledged ping held, as far as it came; nil in another frame.
  private var ping: UInt64?
  private var messages: [UInt32: Message] = [:]
  private var resets: Bucket
  private var controls: Bucket
  private var updates: Bucket
  private var empty: Bucket
  /// Bytes of messages that are not complete.
  private(set) var pending = 0
  /// Whether a whole frame came.
  private(set) var isGreeted = false
  /// What the ping held that the client acknowledged last; nil before the first.
  private(set) var acknowledged: UInt64?

  init(_ limits: Limits, at now: Int64) {
    self.limits = limits
    resets = Bucket(level: limits.resets.burst, counted: now)
    controls = Bucket(level: limits.controls.burst, counted: now)
    updates = Bucket(level: limits.updates.burst, counted: now)
    empty = Bucket(level: limits.empty.burst, counted: now)
  }

  /// Reads on. Answers what is wrong.
  mutating func read(_ bytes: UnsafeRawBufferPointer, at now: Int64) -> Fault? {
    var at = 0
    while at < bytes.count {
      if prefaceRead < Self.preface.count {
        guard bytes[at] == Self.preface[prefaceRead] else { return .preface }
        prefaceRead += 1
        at += 1
      } else if left > 0 || wantsPadding {
        if wantsPadding {
          padding = min(Int(truncatingIfNeeded: bytes[at]), left - 1)
          wantsPadding = false
          left -= 1
          at += 1
        } else {
          let count = min(left, bytes.count - at)
          if isData {
            let data = min(count, max(0, left - padding))
            takeData(UnsafeRawBufferPointer(rebasing: bytes[at..<at + data]))
            if pending > limits.pendingBytes { return .pending }
          } else if let known = ping {
            ping = bytes[at..<at + count].reduce(known) { $0 << 8 | UInt64(truncatingIfNeeded: $1) }
          }
          left -= count
          at += count
        }
        if left == 0 { endFrame() }
      } else {
        head.append(bytes[at])
        at += 1
        if head.count == Self.headLength, let fault = beginFrame(at: now) { return fault }
      }
    }
    return nil
  }

  private mutating func beginFrame(at now: Int64) -> Fault? {
    let (kind, flags) = (head[3], head[4])
    left = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
    stream = (UInt32(head[5]) << 24 | UInt32(head[6]) << 16 | UInt32(head[7]) << 8 | UInt32(head[8])) & 0x7FFF_FFFF
    head.removeAll(keepingCapacity: true)
    isGreeted = true
    isData = kind == 0
    ends = kind <= 1 && flags & 1 != 0
    wantsPadding = isData && flags & 8 != 0 && left > 0
    padding = 0
    ping = kind == 6 && flags & 1 != 0 && left == 8 ? 0 : nil
    switch kind {
    case 0 where left == 0 && !ends: if !empty.take(limits.empty, at: now) { return .empty }
    case 3:
      forget(stream)
      if !resets.take(limits.resets, at: now) { return .resets }
    case 2, 4, 6:
      // Acknowledgements answer what was asked here. Each setting of six bytes may change all streams.
      let cost = kind == 4 ? 1 + Double(left / 6) / 8 : 1
      if flags & 1 == 0 || kind == 2, !controls.take(limits.controls, cost, at: now) { return .controls }
    case 8...: if !updates.take(limits.updates, at: now) { return .updates }
    default: break
    }
    if left == 0 { endFrame() }
    return nil
  }

  private mutating func endFrame() {
    if ends { forget(stream) }
    ends = false
    if let ping { acknowledged = ping }
    ping = nil
  }

  private mutating func forget(_ stream: UInt32) {
    guard let message = messages.removeValue(forKey: stream) else { return }
    pending -= message.counted
  }

  private mutating func takeData(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    var message = messages.removeValue(forKey: stream) ?? Message()
    while at < bytes.count {
      if let left = message.left {
        let count = min(left, bytes.count - at)
        at += count
        message.left = left - count
      } else {
        message.head.append(bytes[at])
        at += 1
        guard message.head.count == 5 else { continue }
        let length = message.head.dropFirst().reduce(0) { $0 << 8 | Int(truncatingIfNeeded: $1) }
        message.left = length
        // What is announced is taken to come: it may at once.
        message.counted = length > limits.uncounted ? length : 0
        pending += message.counted
      }
      if message.left == 0 {
        pending -= message.counted
        message = Message()
      }
    }
    if !message.head.isEmpty { messages[stream] = message }
  }
}
