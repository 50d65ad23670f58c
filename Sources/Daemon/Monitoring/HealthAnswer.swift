/// What is answered to a question about a daemon's health.
struct HealthAnswer: Sendable {
  /// HTTP's status.
  var status: Int
  /// HTTP's `Content-Type`.
  var type: String
  var text: String

  init(_ text: String, status: Int = 200, type: String = "text/plain; charset=utf-8") {
    self.status = status
    self.type = type
    self.text = text
  }
}
