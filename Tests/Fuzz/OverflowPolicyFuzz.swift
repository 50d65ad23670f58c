import Fleet
import Foundation
import Kubernetes
import Model
import Overflow
import Selection
import SelectorServer

@testable import MeshController

extension Fuzzer {
  /// `OverflowPolicy` objects, from a file and from the API server. What is read is good for a selector: it picks, plans
  /// and tells for hours of its time without a trap.
  static let overflowPolicies = Fuzzer(
    "overflow-policies",
    words: yamlWords + kubernetesWords + [
      "service: ", "capacity: {perMinute: ", "capacity: {perPodPerMinute: ", "neighbours:", "host: ", "limits:",
      "limitPerMinute: ", "route: {kind: VirtualService, name: ", "owned: true", "mode: perRequest", "maxHops: ",
      "safeAfter: 3000000h", "hold: ", "stepOut: ", "unknownPerMinute: ", "measure: {source: prometheus}", "1h30m",
      "6e9",
      "dryRun: ",
    ],
    seeds: files("manifests/overflow/examples")
      + texts(
        """
        apiVersion: tonari.dev/v1alpha1
        kind: OverflowPolicy
        metadata: {name: cart, namespace: shop}
        spec:
          service: cart
          capacity: {perPodPerMinute: 180}
          mode: perRequest
          maxHops: 2
          safeAfter: 1h30m
          limits: {unknownPerMinute: 60, stepOut: 0.5, stepBack: 0.1, hold: 500ms, hysteresis: 0.1, deadBand: 0.02}
          neighbours:
          - {name: b, host: "10.9.9.9:443", cost: 5, limitPerMinute: 600, capacity: {perMinute: 600}}
        """,
        #"{"apiVersion":"tonari.dev/v1alpha1","kind":"OverflowPolicy","metadata":{"name":"a","namespace":"shop"},"spec":"#
          + #"{"service":"cart","capacity":{"perMinute":1},"mode":"perRequest","neighbours":[{"name":"b","host":"h:1"}]}}"#
      )
  ) { bytes in
    var policies = (try? OverflowPolicy.policies(String(decoding: bytes, as: UTF8.self), file: "input")) ?? []
    if let object = try? RawObject(json: Array(bytes)), let policy = try? OverflowPolicy(object) {
      policies.append(policy)
    }
    guard !policies.isEmpty else { return }
    for policy in policies { _ = QuerySource.queries(of: policy) }
    let dispatcher = Dispatcher()
    for policy in policies {
      dispatcher.set([ServiceReplica(address: "10.0.0.1:80")], of: policy.service, from: .file, at: .start)
    }
    dispatcher.set(ServiceOverflow.all(policies, cluster: "a"), at: .start)
    try exercise(dispatcher, at: .start)
  }

  /// Uses all services as a selector would, through a few hours.
  static func exercise(_ dispatcher: Dispatcher, at start: Moment) throws {
    let answer = PickAnswer()
    var now = start
    for seconds in [0, 0.01, 1, 5, 7200] {
      now = Moment(nanoseconds: now.nanoseconds &+ Int64(seconds * 1e9))
      for status in dispatcher.status(at: now).prefix(8) {
        guard let service = dispatcher.service(status.name) else { continue }
        for round in 0..<6 {
          let query = PickQuery(
            key: round.isMultiple(of: 2) ? nil : UInt64(round), isRetry: round == 3, alternatives: round % 4,
            hops: round / 3)
          guard service.pick(query, owner: 1, at: now, into: answer) == .picked else { continue }
          try expect(!answer.addressString(0).isEmpty, "a pick without an address")
          if round != 5 {
            service.complete(answer.id, round == 4 ? .failure : .success, latencySeconds: 0.001, at: now)
          }
        }
      }
      dispatcher.expire(at: now)
      for status in dispatcher.status(at: now) {
        for replica in status.replicas {
          try expect(replica.view.inFlight >= 0, "\(replica.view.inFlight) requests in flight")
        }
      }
    }
  }
}
