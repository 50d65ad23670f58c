import CCurl

/// The parts of a URL, as curl reads it.
package struct CurlURL {
  private var scheme: String
  private var host: String
  private var port: String
  private var path: String
  private var query: String?

  package init(_ text: String) throws(TransportError) {
    guard let url = curl_url() else { throw Self.invalid(text, "curl is out of order") }
    defer { curl_url_cleanup(url) }
    let code = curl_url_set(url, CURLUPART_URL, text, 0)
    guard code == CURLUE_OK else { throw Self.invalid(text, String(cString: curl_url_strerror(code))) }
    func part(_ part: CURLUPart, _ flags: Int32 = 0) -> String? {
      var value: UnsafeMutablePointer<CChar>?
      defer { curl_free(value) }
      guard curl_url_get(url, part, &value, UInt32(clamping: flags)) == CURLUE_OK else { return nil }
      return value.map { String(cString: $0) }
    }
    guard let scheme = part(CURLUPART_SCHEME), let host = part(CURLUPART_HOST),
      let port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT), let path = part(CURLUPART_PATH)
    else { throw Self.invalid(text, "it has no host") }
    self.scheme = scheme
    self.host = host
    self.port = port
    self.path = path
    query = part(CURLUPART_QUERY)
  }

  private static func invalid(_ text: String, _ reason: String) -> TransportError {
    TransportError(code: .invalidRequest, message: "found the URL \(text): \(reason)", mayHaveReachedServer: false)
  }

  /// The URL with another host in place of its own, and what both are called with their port.
  package func renamed(_ name: String) -> (url: String, authority: String, originalAuthority: String) {
    let authority = "\(name):\(port)"
    let url = "\(scheme)://\(authority)\(path)" + (query.map { "?\($0)" } ?? "")
    return (url, authority, "\(host):\(port)")
  }
}
