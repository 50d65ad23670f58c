/// A 64-bit hash of bytes: eight at a time, multiplied and folded as in wyhash.
///
/// It is the same in every process, so that what is taken for equal does not depend on a random seed.
func fingerprint(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0x9E37_79B9_7F4A_7C15) -> UInt64 {
  // Seed, length and bytes are mixed in one after the other, so that none of them looks like a change of another.
  var hash = mix(mix(seed) ^ UInt64(bytes.count))
  var index = 0
  while index + 8 <= bytes.count {
    hash = mix(hash ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
    index += 8
  }
  var tail: UInt64 = 0
  var shift: UInt64 = 0
  while index < bytes.count {
    tail |= UInt64(truncatingIfNeeded: bytes[index]) << shift
    shift += 8
    index += 1
  }
  return mix(hash ^ tail)
}

/// A 64-bit hash of text.
func fingerprint(_ text: String) -> UInt64 {
  var text = text
  return text.withUTF8 { fingerprint(UnsafeRawBufferPointer($0)) }
}

@inline(__always)
private func mix(_ value: UInt64) -> UInt64 {
  let product = (value ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
  return product.high ^ product.low
}
