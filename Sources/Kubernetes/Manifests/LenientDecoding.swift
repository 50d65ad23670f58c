/// Kubernetes reads `null` in a map as the empty value, and manifests out of templates have such entries. The
/// initializers that the compiler writes for this module's structs pick these overloads over the generic ones.
extension KeyedDecodingContainer {
  func decodeIfPresent(_ type: [String: String].Type, forKey key: Key) throws -> [String: String]? {
    try decodeIfPresent([String: String?].self, forKey: key)?.mapValues { $0 ?? "" }
  }

  func decodeIfPresent(_ type: [String: Quantity].Type, forKey key: Key) throws -> [String: Quantity]? {
    try decodeIfPresent([String: Quantity?].self, forKey: key)?.mapValues { $0 ?? .zero }
  }
}

extension CaseIterable where Self: RawRepresentable<String> {
  /// Reads one of the cases; the error names them all.
  static func decode(from decoder: any Decoder) throws -> Self {
    let container = try decoder.singleValueContainer()
    guard let value = Self(rawValue: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription: "one of " + allCases.map(\.rawValue).joined(separator: ", ")
      )
    }
    return value
  }
}
