import CProtobufC
import Model
import Selection
import SelectorProtocol

// What protobuf-c decoded, as decisions take it.

extension FrameFault {
  init(_ verdict: TonariVerdict) {
    switch verdict {
    case TONARI_UNUSUAL: self = .unusual
    case TONARI_TOO_LARGE: self = .expanding
    default: self = .malformed
    }
  }
}

extension Outcome {
  /// The outcome with a number of the protocol, nil where the request goes on; one that is not known is a success.
  @inline(__always)
  init?(number: Int64) {
    switch number {
    case 1: self = .failure
    case 2: self = .cancelled
    case 3: return nil
    default: self = .success
    }
  }
}

extension Place {
  init(_ locality: Tonari__Selector__V1__Locality, of caller: Caller) {
    func name(_ characters: UnsafeMutablePointer<CChar>?) -> String? {
      characters.flatMap { $0.pointee == 0 ? nil : String(cString: $0) }
    }
    self = caller.place(node: name(locality.node), zone: name(locality.zone), cluster: name(locality.cluster))
  }
}

extension PickQuery {
  init(
    _ request: Tonari__Selector__V1__PickRequest, for dispatcher: Dispatcher, by caller: Caller
  ) throws(SelectorFault) {
    guard request.n_labels <= SelectorMessages.mostLabels else {
      throw SelectorFault(
        .invalidArgument, "\(request.n_labels) labels: expected at most \(SelectorMessages.mostLabels)")
    }
    self.init(
      excluded: Self.strings(request.excluded, request.n_excluded).suffix(4),
      labels: Self.strings(request.labels, request.n_labels), isRetry: request.retry != 0,
      alternatives: Int(min(request.alternatives, UInt32(truncatingIfNeeded: PickAnswer.mostAlternatives))),
      hops: Int(request.hops))
    if request.key.len > 0 {
      key = PickQuery.hash(UnsafeBufferPointer(start: request.key.data, count: request.key.len))
    }
    from = request.from.map { Place($0.pointee, of: caller) } ?? dispatcher.options.place
  }

  private static func strings(
    _ strings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int
  ) -> [String] {
    UnsafeBufferPointer(start: strings, count: count).map { $0.map { String(cString: $0) } ?? "" }
  }
}

extension LoadReport {
  init(_ load: Tonari__Selector__V1__Load) {
    var message = Tonari_Selector_V1_Load()
    if load.has_in_flight_case.rawValue != 0 { message.inFlight = load.in_flight }
    if load.has_queued_case.rawValue != 0 { message.queued = load.queued }
    message.cpuUtilization = load.cpu_utilization
    message.latencyUs = load.latency_us
    if load.has_requests_per_second_case.rawValue != 0 { message.requestsPerSecond = load.requests_per_second }
    if load.has_errors_per_second_case.rawValue != 0 { message.errorsPerSecond = load.errors_per_second }
    self.init(message)
  }
}
