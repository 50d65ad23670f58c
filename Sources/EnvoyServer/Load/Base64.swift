extension [UInt8] {
  /// Decodes base64 (RFC 4648, either alphabet), with or without the padding, which gRPC leaves out; nil where the text is
  /// something else.
  init?(base64 text: some Collection<UInt8>) {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count * 3 / 4)
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for byte in text {
      if byte == UInt8(ascii: "=") {
        padding += 1
        continue
      }
      guard padding == 0, let value = Self.base64Value(byte) else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 1
      guard count % 4 == 0 else { continue }
      decoded.append(UInt8(truncatingIfNeeded: bits >> 16))
      decoded.append(UInt8(truncatingIfNeeded: bits >> 8))
      decoded.append(UInt8(truncatingIfNeeded: bits))
    }
    let left = count % 4
    guard left != 1, padding == 0 || padding + left == 4 else { return nil }
    if left >= 2 { decoded.append(UInt8(truncatingIfNeeded: bits >> (left == 2 ? 4 : 10))) }
    if left == 3 { decoded.append(UInt8(truncatingIfNeeded: bits >> 2)) }
    self = decoded
  }

  private static func base64Value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
