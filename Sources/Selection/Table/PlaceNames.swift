/// Numbers for the names of places, in the order in which they were heard.
struct PlaceNames: Sendable {
  private var clusters: [String: Int32] = [:]
  private var zones: [[String]: Int32] = [:]
  private var nodes: [[String]: Int32] = [:]

  /// How many names were heard.
  var count: Int { clusters.count + zones.count + nodes.count }

  /// The numbers of a place, new ones for names that were not heard before. What is below an unknown part is unknown.
  mutating func place(node: String?, zone: String?, cluster: String?) -> Place {
    guard node != nil || zone != nil || cluster != nil else { return .unknown }
    // A node or zone without a cluster is of the one cluster that has no name.
    let clusterName = cluster ?? ""
    let zoneName = zone ?? ""
    var place = Place.unknown
    place.cluster = Self.number(of: clusterName, in: &clusters)
    if zone != nil || node != nil { place.zone = Self.number(of: [clusterName, zoneName], in: &zones) }
    if let node { place.node = Self.number(of: [clusterName, zoneName, node], in: &nodes) }
    return place
  }

  private static func number<Key: Hashable>(of key: Key, in numbers: inout [Key: Int32]) -> Int32 {
    if let known = numbers[key] { return known }
    let next = Int32(numbers.count)
    numbers[key] = next
    return next
  }
}
