package import CProtobufC
import Foundation
package import SelectorProtocol
import SwiftProtobuf

// What protobuf-c decoded as swift-protobuf has it, field by field.

extension Tonari_Selector_V1_Envelope {
  /// Takes over what protobuf-c decoded.
  package init(_ envelope: Tonari__Selector__V1__Envelope) {
    self.init()
    id = envelope.id
    switch envelope.message_case.rawValue {
    case 2: pick = Tonari_Selector_V1_PickRequest(envelope.pick.pointee)
    case 3: picked = Tonari_Selector_V1_PickResponse(envelope.picked.pointee)
    case 4: complete = Tonari_Selector_V1_CompleteRequest(envelope.complete.pointee)
    case 5: completed = Tonari_Selector_V1_CompleteResponse()
    case 6:
      let message = envelope.report.pointee
      report = .with {
        $0.service = string(message.service)
        $0.address = string(message.address)
        if let load = message.load { $0.load = Tonari_Selector_V1_Load(load.pointee) }
      }
    case 7: reported = Tonari_Selector_V1_ReportResponse()
    case 8:
      let message = envelope.register_.pointee
      register = .with {
        $0.service = string(message.service)
        $0.replicas = list(message.replicas, message.n_replicas) { Tonari_Selector_V1_Replica($0) }
        $0.lifetimeMs = message.lifetime_ms
      }
    case 9: registered = .with { $0.lifetimeMs = envelope.registered.pointee.lifetime_ms }
    case 10:
      let message = envelope.deregister.pointee
      deregister = .with {
        $0.service = string(message.service)
        $0.addresses = strings(message.addresses, message.n_addresses)
        $0.drain = message.drain != 0
      }
    case 11: deregistered = Tonari_Selector_V1_DeregisterResponse()
    case 12:
      let message = envelope.watch.pointee
      watch = .with {
        $0.services = strings(message.services, message.n_services)
        $0.intervalMs = message.interval_ms
      }
    case 13: watched = Tonari_Selector_V1_WatchResponse(envelope.watched.pointee)
    case 14:
      let message = envelope.error.pointee
      error = .with {
        $0.code = message.code
        $0.message = string(message.message)
        $0.retryAfterMs = message.retry_after_ms
      }
    default: break
    }
  }
}

private func string(_ characters: UnsafeMutablePointer<CChar>?) -> String {
  characters.map { String(cString: $0) } ?? ""
}

private func strings(_ strings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ count: Int) -> [String] {
  UnsafeBufferPointer(start: strings, count: count).map { string($0) }
}

private func list<Element, Message>(
  _ messages: UnsafeMutablePointer<UnsafeMutablePointer<Element>?>?, _ count: Int, _ message: (Element) -> Message
) -> [Message] {
  UnsafeBufferPointer(start: messages, count: count).compactMap { $0 }.map { message($0.pointee) }
}

extension Tonari_Selector_V1_Locality {
  init(_ message: Tonari__Selector__V1__Locality) {
    self.init()
    node = string(message.node)
    zone = string(message.zone)
    cluster = string(message.cluster)
  }
}

extension Tonari_Selector_V1_PickRequest {
  init(_ message: Tonari__Selector__V1__PickRequest) {
    self.init()
    service = string(message.service)
    if let place = message.from { from = Tonari_Selector_V1_Locality(place.pointee) }
    key = Data(UnsafeBufferPointer(start: message.key.data, count: message.key.len))
    excluded = strings(message.excluded, message.n_excluded)
    labels = strings(message.labels, message.n_labels)
    retry = message.retry != 0
    alternatives = message.alternatives
    hops = message.hops
  }
}

extension Tonari_Selector_V1_PickResponse {
  init(_ message: Tonari__Selector__V1__PickResponse) {
    self.init()
    pickID = message.pick_id
    address = string(message.address)
    tier = Tonari_Selector_V1_Tier(rawValue: Int(Int32(bitPattern: message.tier.rawValue))) ?? .remote
    panic = message.panic != 0
    alternatives = strings(message.alternatives, message.n_alternatives)
    hops = message.hops
    pickKey = Data(UnsafeBufferPointer(start: message.pick_key.data, count: message.pick_key.len))
  }
}

extension Tonari_Selector_V1_CompleteRequest {
  init(_ message: Tonari__Selector__V1__CompleteRequest) {
    self.init()
    pickID = message.pick_id
    outcome = Tonari_Selector_V1_Outcome(rawValue: Int(Int32(bitPattern: message.outcome.rawValue))) ?? .success
    latencyUs = message.latency_us
    servedBy = string(message.served_by)
    pickKey = Data(UnsafeBufferPointer(start: message.pick_key.data, count: message.pick_key.len))
    if let said = message.load { load = Tonari_Selector_V1_Load(said.pointee) }
  }
}

extension Tonari_Selector_V1_Load {
  init(_ message: Tonari__Selector__V1__Load) {
    self.init()
    if message.has_in_flight_case.rawValue != 0 { inFlight = message.in_flight }
    if message.has_queued_case.rawValue != 0 { queued = message.queued }
    cpuUtilization = message.cpu_utilization
    latencyUs = message.latency_us
    if message.has_requests_per_second_case.rawValue != 0 { requestsPerSecond = message.requests_per_second }
    if message.has_errors_per_second_case.rawValue != 0 { errorsPerSecond = message.errors_per_second }
  }
}

extension Tonari_Selector_V1_Replica {
  init(_ message: Tonari__Selector__V1__Replica) {
    self.init()
    address = string(message.address)
    if let place = message.locality { locality = Tonari_Selector_V1_Locality(place.pointee) }
    weight = message.weight
    concurrency = message.concurrency
    labels = strings(message.labels, message.n_labels)
    state = Tonari_Selector_V1_State(rawValue: Int(Int32(bitPattern: message.state.rawValue))) ?? .ready
  }
}

extension Tonari_Selector_V1_WatchResponse {
  init(_ message: Tonari__Selector__V1__WatchResponse) {
    self.init()
    service = string(message.service)
    revision = message.revision
    replicas = list(message.replicas, message.n_replicas) { Tonari_Selector_V1_ReplicaStatus($0) }
    gone = message.gone != 0
    policy = string(message.policy)
    if let counts = message.picks?.pointee {
      picks = .with {
        $0.remote = counts.remote
        $0.node = counts.node
        $0.zone = counts.zone
        $0.cluster = counts.cluster
        $0.panic = counts.panic
        $0.none = counts.none
      }
    }
    if let status = message.overflow { overflow = Tonari_Selector_V1_OverflowStatus(status.pointee) }
  }
}

extension Tonari_Selector_V1_OverflowStatus {
  init(_ message: Tonari__Selector__V1__OverflowStatus) {
    self.init()
    cluster = string(message.cluster)
    dryRun = message.dry_run != 0
    arrivals = message.arrivals
    received = message.received
    shed = message.shed
    demandPerMinute = message.demand_per_minute
    capacityPerMinute = message.capacity_per_minute
    admittedPerMinute = message.admitted_per_minute
    neighbours = list(message.neighbours, message.n_neighbours) { neighbour in
      .with {
        $0.name = string(neighbour.name)
        $0.sent = neighbour.sent
        $0.sentPerMinute = neighbour.sent_per_minute
        if neighbour.has_headroom_per_minute_case.rawValue != 0 { $0.headroomPerMinute = neighbour.headroom_per_minute }
        $0.roomPerMinute = neighbour.room_per_minute
        $0.down = neighbour.down != 0
      }
    }
  }
}

extension Tonari_Selector_V1_ReplicaStatus {
  init(_ message: Tonari__Selector__V1__ReplicaStatus) {
    self.init()
    if let known = message.replica { replica = Tonari_Selector_V1_Replica(known.pointee) }
    inFlight = message.in_flight
    others = message.others
    ejected = message.ejected != 0
    serviceTimeUs = message.service_time_us
    if let said = message.load { load = Tonari_Selector_V1_Load(said.pointee) }
    loadAgeMs = message.load_age_ms
    picks = message.picks
    failures = message.failures
  }
}
