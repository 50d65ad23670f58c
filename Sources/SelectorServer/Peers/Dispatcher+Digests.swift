package import Model
import Overflow
package import Selection
package import SelectorProtocol
import SwiftProtobuf

extension Dispatcher {
  /// What was dispatched and learnt here, for other selectors.
  ///
  /// - Parameter selector: this selector's name, by which its own digests are recognized.
  package func digest(of selector: String, at now: Moment) -> Tonari_Selector_V1_Digest {
    var digest = Tonari_Selector_V1_Digest()
    digest.selector = selector
    digest.services = status(at: now).map { status in
      let leases = registrations(of: status.name)
      return .with { service in
        service.service = status.name
        service.replicas = status.replicas.map {
          Tonari_Selector_V1_ReplicaDigest($0, leases[$0.replica.address], at: now)
        }
        guard let arrivals = self.service(named: status.name)?.arrivals else { return }
        service.arrivals = .with {
          $0.perMinute = arrivals.perMinute
          $0.receivedPerMinute = arrivals.receivedPerMinute
        }
      }
    }
    return digest
  }

  /// Takes in what another selector dispatched and learnt; see `hear(_:of:from:at:)`.
  @discardableResult
  package func hear(_ digest: Tonari_Selector_V1_Digest, from link: PeerLink, at now: Moment) -> Bool {
    let words = digest.services.lazy.map { service in
      PeerWord(
        service: service.service,
        registrations: service.replicas.lazy.compactMap { PeerRegistration($0) },
        replicas: service.replicas.lazy.map { PeerReplica(address: $0.address, knowledge: PeerKnowledge($0)) },
        arrivals: service.hasArrivals ? PeerArrivals(service.arrivals) : nil)
    }
    return hear(words, of: digest.selector, from: link, at: now)
  }

  /// Takes in what a selector of this process says.
  package func hear(_ digest: Tonari_Selector_V1_Digest, at now: Moment) { hear(digest, from: .inProcess, at: now) }
}

extension PeerRegistration {
  /// A replica that was registered where the digest comes from; nil for one that was not, or is another than it says.
  fileprivate init?(_ message: Tonari_Selector_V1_ReplicaDigest) {
    guard message.hasRegistered, message.lifetimeMs > 0, message.registered.address == message.address else {
      return nil
    }
    self.init(
      replica: ServiceReplica(message.registered), lifetime: .milliseconds(Int64(message.lifetimeMs)))
  }
}

extension PeerKnowledge {
  /// What a digest says of a replica.
  fileprivate init(_ message: Tonari_Selector_V1_ReplicaDigest) {
    self.init(
      inFlight: Int(clamping: message.inFlight),
      pace: ServicePace(
        seconds: message.serviceTimeUs * 1e-6, concurrency: message.concurrency, completions: message.completions))
  }
}

extension PeerArrivals {
  /// More requests than this a minute come nowhere.
  private static let most = 1e12

  /// What a message says; what cannot be counts as nothing.
  fileprivate init(_ message: Tonari_Selector_V1_Arrivals) {
    func rate(_ value: Double) -> Double { value > 0 ? min(value, Self.most) : 0 }
    self.init(perMinute: rate(message.perMinute), receivedPerMinute: rate(message.receivedPerMinute))
  }
}

extension Tonari_Selector_V1_ReplicaDigest {
  /// What is said of a replica.
  fileprivate init(_ status: ReplicaStatus, _ until: Moment?, at now: Moment) {
    self.init()
    address = status.replica.address
    inFlight = UInt32(clamping: status.view.inFlight)
    if let pace = status.view.pace {
      serviceTimeUs = pace.seconds * 1e6
      concurrency = pace.concurrency
      completions = pace.completions
    }
    guard let until else { return }
    registered = Tonari_Selector_V1_Replica(status.replica)
    lifetimeMs = UInt32(clamping: (until.nanoseconds - now.nanoseconds) / 1_000_000)
  }
}
