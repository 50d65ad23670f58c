import CCurl

/// curl's easy handle for one transfer, set up for its request. The curl thread alone uses it; it must have left the
/// multi handle before it goes.
final class CurlExchange {
  /// How long it may take until a connection is there.
  private static let connectTimeout = 10_000
  /// After how many seconds of silence a peer is asked whether it is still there.
  private static let probeAfter: Int32 = 15

  let transfer: Transfer
  let handle: UnsafeMutableRawPointer
  private let message: UnsafeMutablePointer<CChar>
  private var lists: [UnsafeMutablePointer<curl_slist>] = []

  init(_ transfer: Transfer) throws(TransportError) {
    guard let handle = curl_easy_init() else { throw Self.invalid("curl is out of order") }
    self.transfer = transfer
    self.handle = handle
    message = .allocate(capacity: Int(CURL_ERROR_SIZE))
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try setUp(transfer.request)
  }

  deinit {
    curl_easy_cleanup(handle)
    for list in lists { curl_slist_free_all(list) }
    message.deallocate()
  }

  private static func invalid(_ message: String) -> TransportError {
    TransportError(code: .invalidRequest, message: message, mayHaveReachedServer: false)
  }
}

// MARK: - The request

extension CurlExchange {
  private func setUp(_ request: OutgoingRequest) throws(TransportError) {
    try set(CURLOPT_ERRORBUFFER, pointer: message)
    try set(CURLOPT_NOSIGNAL, 1)
    try check(tonari_curl_notice_dead_peer(handle, Self.probeAfter))
    try set(CURLOPT_BUFFERSIZE, 128 << 10)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    switch request.delivery {
    case .prompt:
      try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
      // Better to wait for the connection that is being made, in case it can be shared, than to make another.
      try set(CURLOPT_PIPEWAIT, 1)
    case .streamed:
      // curl holds up all that share an HTTP/2 connection when it holds up one of them.
      try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    }
    try set(CURLOPT_CONNECTTIMEOUT_MS, Self.connectTimeout)
    if let timeout = request.timeout { try set(CURLOPT_TIMEOUT_MS, max(1, timeout.wholeMilliseconds)) }
    if let proxy = request.proxy { try set(CURLOPT_PROXY, proxy) }
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)

    var headers = request.headers
    try setUp(request.security, for: request.url, &headers)
    try setUpBody(request, &headers)
    try set(CURLOPT_HTTPHEADER, list: headers.map { "\($0.name): \($0.value)" })
    try setUpCallbacks()
  }

  private func setUpBody(
    _ request: OutgoingRequest, _ headers: inout [OutgoingRequest.Header]
  ) throws(TransportError) {
    if let body = request.body {
      try set(CURLOPT_UPLOAD, 1)
      try check(tonari_curl_set_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(body.count)))
      // Not to wait for the server's leave to send a body.
      headers.append(.init("Expect", ""))
    } else if request.method == "HEAD" {
      try set(CURLOPT_NOBODY, 1)
    }
    try set(CURLOPT_CUSTOMREQUEST, request.method)
  }

  private func setUp(
    _ security: TransportSecurity, for url: String, _ headers: inout [OutgoingRequest.Header]
  ) throws(TransportError) {
    if let serverName = security.serverName {
      // curl checks the certificate for the host of the URL: name the one, connect to the other.
      let renamed = try CurlURL(url).renamed(serverName)
      try set(CURLOPT_URL, renamed.url)
      try set(CURLOPT_CONNECT_TO, list: ["\(renamed.authority):\(renamed.originalAuthority)"])
      headers.append(.init("Host", renamed.originalAuthority))
    } else {
      try set(CURLOPT_URL, url)
    }
    try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    if security.skipsVerification {
      try set(CURLOPT_SSL_VERIFYPEER, 0)
      try set(CURLOPT_SSL_VERIFYHOST, 0)
    } else if let authorities = security.authorities {
      try set(CURLOPT_CAINFO_BLOB, authorities)
      // Those that the system trusts are not meant.
      try set(CURLOPT_CAPATH, nil)
    }
    if let identity = security.identity {
      try set(CURLOPT_SSLCERTTYPE, "PEM")
      try set(CURLOPT_SSLCERT_BLOB, identity.certificate)
      try set(CURLOPT_SSLKEYTYPE, "PEM")
      try set(CURLOPT_SSLKEY_BLOB, identity.key)
    }
  }

  private func setUpCallbacks() throws(TransportError) {
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    try check(
      tonari_curl_receive(
        handle,
        { bytes, size, count, context in
          let line = [UInt8](UnsafeRawBufferPointer(start: bytes, count: size * count))
          return target(context)?.receive(headLine: line) == true ? line.count : 0
        },
        { bytes, size, count, context in
          let chunk = [UInt8](UnsafeRawBufferPointer(start: bytes, count: size * count))
          return target(context)?.receive(body: chunk) == true ? chunk.count : Int(CURL_WRITEFUNC_PAUSE)
        },
        context
      ))
    guard transfer.request.body != nil else { return }
    try check(
      tonari_curl_send(
        handle,
        { bytes, size, count, context in
          target(context)?.send(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? 0
        },
        { context, offset, origin in
          origin == SEEK_SET && target(context)?.rewind(to: Int(offset)) == true
            ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
        },
        context
      ))
  }
}

/// The transfer that a callback is for: its exchange keeps it while curl has the handle.
private func target(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

// MARK: - The result

extension CurlExchange {
  /// What curl's code for the end of the transfer means.
  func result(_ code: CURLcode) -> Result<Void, any Error> {
    if let fault = transfer.fault { return .failure(fault) }
    guard code != CURLE_OK else { return .success(()) }
    var pretransfer: curl_off_t = 0
    tonari_curl_get_offset(handle, CURLINFO_PRETRANSFER_TIME_T, &pretransfer)
    var text = String(cString: message)
    if text.isEmpty { text = String(cString: curl_easy_strerror(code)) }
    // Only when a connection stands, sending starts.
    let isSent = pretransfer > 0
    return .failure(
      TransportError(code: Self.meaning(of: code, isSent: isSent), message: text, mayHaveReachedServer: isSent))
  }

  private static func meaning(of code: CURLcode, isSent: Bool) -> TransportError.Code {
    switch code {
    // What curl says of a URL that is not HTTP, and of an answer that is not.
    case CURLE_UNSUPPORTED_PROTOCOL: isSent ? .invalidResponse : .invalidRequest
    case CURLE_URL_MALFORMAT, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE,
      CURLE_BAD_FUNCTION_ARGUMENT:
      .invalidRequest
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_SSL_CONNECT_ERROR,
      CURLE_PROXY:
      .notConnected
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR: .notTrusted
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_WRITE_ERROR:
      .invalidResponse
    default: .broken
    }
  }
}

// MARK: - Options

extension CurlExchange {
  private func check(_ code: CURLcode) throws(TransportError) {
    guard code == CURLE_OK else { throw Self.invalid(String(cString: curl_easy_strerror(code))) }
  }

  private func set(_ option: CURLoption, _ value: Int) throws(TransportError) {
    try check(tonari_curl_set_long(handle, option, value))
  }

  private func set(_ option: CURLoption, _ value: String?) throws(TransportError) {
    try check(tonari_curl_set_string(handle, option, value))
  }

  private func set(_ option: CURLoption, _ bytes: [UInt8]) throws(TransportError) {
    try check(tonari_curl_set_blob(handle, option, bytes, bytes.count))
  }

  private func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) throws(TransportError) {
    try check(tonari_curl_set_pointer(handle, option, pointer))
  }

  private func set(_ option: CURLoption, list texts: [String]) throws(TransportError) {
    var list: UnsafeMutablePointer<curl_slist>?
    for text in texts {
      // A line break in a value would start a header field of its own.
      guard !text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
        throw Self.invalid("found a line break in the header field \(text.prefix { $0 != ":" })")
      }
      list = curl_slist_append(list, text) ?? list
    }
    guard let list else { return }
    lists.append(list)
    try set(option, pointer: list)
  }
}

extension Duration {
  /// The duration in milliseconds, rounded up.
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    // More than that nobody waits.
    return Int(clamping: min(seconds, 1 << 40)) * 1000
      + Int(clamping: (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
  }
}
