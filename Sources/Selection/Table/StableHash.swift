/// Hashes that are the same in every process and on every machine, so that selectors agree without asking.
enum StableHash {
  /// FNV-1a over a text's bytes, mixed.
  static func of(_ text: String) -> UInt64 {
    mix(text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64(truncatingIfNeeded: $1)) &* 0x100_0000_01B3 })
  }

  /// The finisher of SplitMix64: each bit of the value changes half of the result's.
  static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
