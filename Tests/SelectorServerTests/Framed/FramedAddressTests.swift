import SelectorServer
import Testing

@Suite("Framed addresses")
struct FramedAddressTests {
  @Test(
    "An address is read and written alike",
    arguments: [
      ("unix:/run/tonari.sock", FramedAddress.unix("/run/tonari.sock")),
      ("unix:relative:odd", .unix("relative:odd")),
      ("tcp:127.0.0.1:7070", .tcp("127.0.0.1", 7070)),
      ("tcp:selector.example:0", .tcp("selector.example", 0)),
      ("tcp:[::1]:7070", .tcp("::1", 7070)),
    ])
  func reading(text: String, address: FramedAddress) throws {
    #expect(try FramedAddress(text) == address)
    #expect(address.description == text)
  }

  @Test(
    "What is no address is refused",
    arguments: [
      "", "unix:", "tcp:", "tcp:host", "tcp::80", "tcp:host:65536", "tcp:host:x", "tcp:::1:80", "/run/tonari.sock",
      "udp:host:80", "unix:/" + String(repeating: "x", count: 107),
    ])
  func refusing(text: String) {
    #expect { try FramedAddress(text) } throws: { ($0 as? FramedError)?.code == .invalidAddress }
  }
}
