import Testing

@testable import TonariClient

struct SelectorAddressTests {
  @Test("Addresses are read as they are written")
  func read() {
    for text in ["unix:/run/tonari.sock", "tcp:selector:7070", "tcp:10.0.0.1:1", "tcp:[::1]:65535"] {
      #expect(SelectorAddress(text)?.description == text)
    }
    for text in [
      "", "unix:", "tcp:", "tcp::1", "tcp:host", "tcp:host:", "tcp:host:0", "tcp:host:65536", "tcp:::1:80", "http:x:1",
      "tcp:host:+80", "tcp:host:99999",
    ] {
      #expect(SelectorAddress(text) == nil, "\(text)")
    }
  }
}
