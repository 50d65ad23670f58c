/// An HTTP request that is to be sent.
public struct OutgoingRequest: Sendable {
  /// A header field.
  public struct Header: Hashable, Sendable {
    /// The field's name, in any case.
    public var name: String
    /// The field's value.
    public var value: String

    /// Makes a field.
    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// How the response comes in.
  public enum Delivery: Hashable, Sendable {
    /// It is short and read to its end at once. Such requests share a connection where the server offers HTTP/2.
    case prompt
    /// It is long or without end, and its reader may lag behind. Such a request has a connection to itself while it
    /// lasts (HTTP/1.1), so that one slow reader holds nobody else up.
    case streamed
  }

  /// The method, such as `GET`.
  public var method: String
  /// The absolute URL, `http` or `https`, percent-encoded.
  public var url: String
  /// The header fields.
  public var headers: [Header]
  /// The body; nil for none.
  public var body: [UInt8]?
  /// How the response comes in.
  public var delivery: Delivery
  /// How long all of it may take; nil for no limit.
  public var timeout: Duration?
  /// How long the server may be silent before the exchange is given up; nil for no limit. A response whose reader lags
  /// behind is not silent.
  public var idleTimeout: Duration?
  /// Whether the request may reach the server twice without harm. One that may not is never sent again on a second
  /// connection when the first breaks.
  public var isRepeatable: Bool
  /// How the server is known and the client shows who it is.
  public var security = TransportSecurity()
  /// The proxy as a URL (`http`, `https` or `socks5`); nil for what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
  public var proxy: String?

  /// Makes a request.
  public init(
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
