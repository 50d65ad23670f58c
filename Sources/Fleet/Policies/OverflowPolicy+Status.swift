extension OverflowPolicy {
  /// How things stand, as the controller last wrote it.
  package struct Status: Codable, Hashable, Sendable {
    /// The version of the policy's spec that this is about.
    package var observedGeneration: Int64?
    /// The requests per minute before they are split; nil where that is not known.
    package var demandPerMinute: Double?
    /// The requests per minute that the service bears here now.
    package var capacityPerMinute: Double?
    /// How many of its pods are ready; nil where they are not counted.
    package var readyPods: Int?
    /// The share of the requests that is served here, from 0 to 1; in mode ``Mode/weights`` as the route has it.
    package var localShare: Double?
    /// The share of the requests that nobody has room for, from 0 to 1. A route cannot turn them away: in mode
    /// ``Mode/weights`` they are part of ``localShare``.
    package var shedShare: Double?
    /// Where the rest goes.
    package var neighbours: [NeighbourStatus]?
    /// What holds and what does not.
    package var conditions: [Condition]?
    /// When this was written, as RFC 3339 text.
    package var updated: String?

    /// Makes a status that says nothing yet.
    package init() {}

    /// The condition of a type; nil where nothing is said of it.
    package func condition(_ type: String) -> Condition? { conditions?.first { $0.type == type } }

    /// Says what holds. The time of a condition whose truth does not change stays.
    package mutating func set(_ condition: Condition) {
      var condition = condition
      var list = conditions ?? []
      if let index = list.firstIndex(where: { $0.type == condition.type }) {
        if list[index].status == condition.status { condition.lastTransitionTime = list[index].lastTransitionTime }
        list[index] = condition
      } else {
        list.append(condition)
      }
      conditions = list
    }
  }

  /// How things stand with a neighbour.
  package struct NeighbourStatus: Codable, Hashable, Sendable {
    /// The cluster's name.
    package var name: String
    /// The share of the requests that goes there, from 0 to 1.
    package var share: Double
    /// The requests per minute that it says it has room for; nil where it says nothing.
    package var headroomPerMinute: Double?
    /// Whether it fails, so that only a trickle goes there.
    package var isDown: Bool?

    /// Makes a status.
    package init(name: String, share: Double, headroomPerMinute: Double?, isDown: Bool?) {
      self.name = name
      self.share = share
      self.headroomPerMinute = headroomPerMinute
      self.isDown = isDown
    }
  }

  /// Something that holds or does not, as Kubernetes' objects say it.
  package struct Condition: Codable, Hashable, Sendable {
    /// What it is about, such as ``ready``.
    package var type: String
    /// `True`, `False` or `Unknown`.
    package var status: String
    /// Why, as one word.
    package var reason: String
    /// Why, as a sentence.
    package var message: String
    /// Since when, as RFC 3339 text.
    package var lastTransitionTime: String
    /// The version of the policy's spec that this is about.
    package var observedGeneration: Int64?

    /// Makes a condition.
    package init(
      _ type: String, _ holds: Bool, reason: String, message: String, since: String, observedGeneration: Int64?
    ) {
      self.type = type
      status = holds ? "True" : "False"
      self.reason = reason
      self.message = message
      lastTransitionTime = since
      self.observedGeneration = observedGeneration
    }

    /// Whether it holds.
    package var holds: Bool { status == "True" }

    /// The policy can be followed, and is.
    package static let ready = "Ready"
    /// There are fresh figures.
    package static let measured = "Measured"
    /// Requests go to neighbours.
    package static let overflowing = "Overflowing"
    /// The service's autoscaler adds pods where requests overflow, as far as it may; missing where there is none.
    package static let scaling = "Scaling"
  }
}
