import CCurl

/// The transfers that are under way on the curl thread, which alone uses this.
final class CurlWorker {
  private let multi: UnsafeMutableRawPointer?
  /// By curl's easy handle.
  private var active: [UnsafeMutableRawPointer: CurlExchange] = [:]
  private var handles: [ObjectIdentifier: UnsafeMutableRawPointer] = [:]

  init(_ multi: CurlMulti) {
    self.multi = multi.handle
  }

  func handle(_ command: CurlLoop.Command) {
    switch command {
    case .start(let transfer): start(transfer)
    case .cancel(let transfer):
      if let handle = handles[ObjectIdentifier(transfer)] { remove(handle) }
    case .resume(let transfer):
      if let handle = handles[ObjectIdentifier(transfer)] { curl_easy_pause(handle, CURLPAUSE_CONT) }
    }
  }

  private func start(_ transfer: Transfer) {
    do {
      let exchange = try CurlExchange(transfer)
      active[exchange.handle] = exchange
      handles[ObjectIdentifier(transfer)] = exchange.handle
      guard curl_multi_add_handle(multi, exchange.handle) == CURLM_OK else {
        remove(exchange.handle)
        throw TransportError(code: .notConnected, message: "curl is out of order", mayHaveReachedServer: false)
      }
    } catch {
      transfer.finish(.failure(error))
    }
  }

  /// Moves bytes, hands out what has ended, and waits until there is more to do.
  func turn() {
    var running: Int32 = 0
    guard curl_multi_perform(multi, &running) == CURLM_OK else {
      failAll(TransportError(code: .broken, message: "curl is out of order", mayHaveReachedServer: true))
      return
    }
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle,
        let exchange = active[handle]
      else { continue }
      let result = exchange.result(message.pointee.data.result)
      remove(handle)
      exchange.transfer.finish(result)
    }
    let wait = endSilentExchanges(at: .now)
    curl_multi_poll(multi, nil, 0, Int32(clamping: wait.wholeMilliseconds), nil)
  }

  /// Gives up the exchanges whose server has been silent for too long, and answers when to look again.
  private func endSilentExchanges(at now: ContinuousClock.Instant) -> Duration {
    var wait = Duration.seconds(60)
    for (handle, exchange) in active {
      guard let deadline = exchange.transfer.silenceDeadline else { continue }
      if deadline <= now {
        remove(handle)
        exchange.transfer.finish(
          .failure(TransportError(code: .timedOut, message: "the server is silent", mayHaveReachedServer: true)))
      } else {
        wait = min(wait, now.duration(to: deadline))
      }
    }
    return wait
  }

  /// Ends all transfers.
  func failAll(_ error: TransportError) {
    for (handle, exchange) in active {
      remove(handle)
      exchange.transfer.finish(.failure(error))
    }
  }

  private func remove(_ handle: UnsafeMutableRawPointer) {
    guard let exchange = active.removeValue(forKey: handle) else { return }
    handles[ObjectIdentifier(exchange.transfer)] = nil
    curl_multi_remove_handle(multi, handle)
  }
}
