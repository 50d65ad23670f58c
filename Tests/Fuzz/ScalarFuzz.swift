import Formats
import Kubernetes
import Model
import TonariClient

@testable import SelectorServer

extension Fuzzer {
  /// Words that stand in fields, annotations and options: quantities, times, addresses, names. What is read can be
  /// written, and reads as the same.
  static let scalars = Fuzzer(
    "scalars",
    words: [
      "Ei", "Ki", "n", "u", "m", "e-400", "E+18", "9223372036854775807", "tcp:[::1]:80", "unix:/a", "T", "Z", "+23:59",
      "2026-01-02T03:04:05.999999Z", "outbound|80||cart.shop.svc.cluster.local", "outbound_.80_.v1_.a.b", ":65536",
    ],
    longest: 512,
    seeds: texts(
      "100m", "1.5Gi", "12e6", "2026-01-02T03:04:05.678Z", "2024-02-29T23:59:60+05:30", "tcp:10.0.0.1:80",
      "tcp:[fd00::1]:9443", "unix:/run/s.sock", "shop/cart", "[fd00::1]:80",
      "outbound|8080|v1|cart.shop.svc.cluster.local")
  ) { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    if let quantity = Quantity(text) {
      try expect(Quantity("\(quantity)") == quantity, "\(text) reads as \(quantity)")
    }
    if let stamp = Timestamp(text) { try expect(Timestamp("\(stamp)") == stamp, "\(text) reads as \(stamp)") }
    if let address = try? FramedAddress(text) {
      try expect((try? FramedAddress("\(address)")) == address, "\(text) reads as \(address)")
    }
    if let address = SelectorAddress(text) {
      try expect(SelectorAddress("\(address)") == address, "\(text) reads as \(address)")
    }
    if let name = WorkloadName(text) { try expect(WorkloadName("\(name)") == name, "\(text) reads as \(name)") }
    if let address = EndpointAddress(text) {
      try expect(EndpointAddress(address.text) == address, "\(text) reads as \(address.text)")
    }
    _ = ServiceNames.kubernetesName(of: text)
    _ = PickerHints(Array(bytes))
  }
}
