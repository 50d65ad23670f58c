/// An HTTP request that is to be sent.
package struct OutgoingRequest: Sendable {
  /// A header field.
  package struct Header: Hashable, Sendable {
    /// The field's name, in any case.
    package var name: String
    /// The field's value.
    package var value: String

    /// Makes a field.
    package init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// How the response comes in.
  package enum Delivery: Hashable, Sendable {
    /// It is short and read to its end at once. Such requests share a connection where the server offers HTTP/2.
    case prompt
    /// It is long or without end, and its reader may lag behind. Such a request has a connection to itself while it
    /// lasts (HTTP/1.1), so that one slow reader holds nobody else up.
    case streamed
  }

  /// The method, such as `GET`.
  package var method: String
  /// The absolute URL, `http` or `https`, percent-encoded.
  package var url: String
  /// The header fields.
  package var headers: [Header]
  /// The body; nil for none.
  package var body: [UInt8]?
  /// How the response comes in.
  package var delivery: Delivery
  /// How long all of it may take; nil for no limit.
  package var timeout: Duration?
  /// How long the server may be silent before the exchange is given up; nil for no limit. A response whose reader lags
  /// behind is not silent.
  package var idleTimeout: Duration?
  /// Whether the request may reach the server twice without harm. One that may not is never sent again on a second
  /// connection when the first breaks.
  package var isRepeatable: Bool
  /// How the server is known and the client shows who it is.
  package var security = TransportSecurity()
  /// The proxy as a URL (`http`, `https` or `socks5`); nil for what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
  package var proxy: String?

  /// Makes a request.
  package init(
    method: String = "GET", url: String, headers: [Header] = [], body: [UInt8]? = nil, delivery: Delivery = .prompt,
    timeout: Duration? = .seconds(30), idleTimeout: Duration? = nil, isRepeatable: Bool? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.delivery = delivery
    self.timeout = timeout
    self.idleTimeout = idleTimeout
    self.isRepeatable = isRepeatable ?? (method == "GET" || method == "HEAD")
  }
}
