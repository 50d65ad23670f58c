import Fleet
import Foundation
import Overflow
import Selection

@testable import Extender
@testable import Formats
@testable import Kubernetes
@testable import MeshController
@testable import Model
@testable import SelectorServer

extension Fuzzer {
  /// What a watch sends: a size of chunks, and lines of events. The outcome does not depend on the chunks, but for how much
  /// is heard before a fault.
  static let watchStream = Fuzzer(
    "watch-stream",
    words: kubernetesWords + [
      #"{"type":"ADDED","object":"#, #"{"type":"BOOKMARK","object":"#, #"{"type":"ERROR","object":"#, "\n", "\r\n",
      #""code":410"#, #""retryAfterSeconds":"#,
    ],
    seeds: texts(
      "\u{40}" + #"{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"b","uid":"u","resourceVersion":"7"}}}"#
        + "\n\n" + #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}}"# + "\n"
        + #"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"m","details":{"#
        + #""retryAfterSeconds":1}}}"# + "\n")
  ) { bytes in
    var input = InputReader(bytes)
    let chunk = max(1, Int(input.byte()))
    let whole = watchOutcome(input.rest, chunk: max(1, input.rest.count))
    let chunked = watchOutcome(input.rest, chunk: chunk)
    try expect(whole == chunked, "the outcome depends on the chunks:\n\(whole)\n\(chunked)")
  }

  private static func watchOutcome(_ bytes: UnsafeRawBufferPointer, chunk: Int) -> String {
    var splitter = LineSplitter(limit: 8 << 10)
    var outcome = ""
    do throws(APIError) {
      for start in stride(from: 0, to: bytes.count, by: chunk) {
        for line in try splitter.feed(Array(bytes[start..<min(bytes.count, start + chunk)])) {
          let event = try WatchEvent(line: line)
          outcome += " \(event.resourceVersion)"
          if case .added(let object) = event { outcome += "+\(object.key)" }
        }
      }
    } catch {
      return "a fault"
    }
    return outcome
  }

  /// What a list sends: a size of chunks, and JSON. The outcome does not depend on the chunks, but for how much is heard
  /// before a fault; items are objects.
  static let listStream = Fuzzer(
    "list-stream", words: kubernetesWords + [#"{"metadata":{"continue":"x"},"items":["#, "]}", "\\\""],
    seeds: texts(
      "\u{40}" + #"{"metadata":{"resourceVersion":"1"},"items":[{"a":[{}]},{"b":"\"]"}],"x":[1]}"#,
      "\u{3}" + #"{"items":null,"metadata":{"continue":"abc"}}"#)
  ) { bytes in
    var input = InputReader(bytes)
    let chunk = max(1, Int(input.byte()))
    let whole = try listOutcome(input.rest, chunk: max(1, input.rest.count))
    let chunked = try listOutcome(input.rest, chunk: chunk)
    try expect(whole == chunked, "the outcome depends on the chunks:\n\(whole)\n\(chunked)")
  }

  private static func listOutcome(_ bytes: UnsafeRawBufferPointer, chunk: Int) throws -> String {
    var splitter = ListSplitter(limit: 8 << 10)
    var outcome = ""
    do {
      for start in stride(from: 0, to: bytes.count, by: chunk) {
        for item in try splitter.feed(Array(bytes[start..<min(bytes.count, start + chunk)])) {
          try expect(item.first == UInt8(ascii: "{"), "an item is no object")
          outcome += " \(item.count)"
          _ = try? RawObject(json: item)
        }
      }
      let outline = try splitter.finish()
      return outcome + " \(outline.metadata.continue ?? "")"
    } catch is APIError {
      return "a fault"
    }
  }

  /// EndpointSlices and pods' annotations: pieces, of which each is a slice; their names are the picks' names afterwards.
  static let endpointSlices = Fuzzer(
    "endpoint-slices",
    words: kubernetesWords + [
      #""kubernetes.io/service-name":"cart""#, #""endpoints":[{"addresses":["10.0.0.1"]"#,
      #""conditions":{"ready":true}"#,
      #""targetRef":{"kind":"Pod","name":"p"}"#, #""ports":[{"name":"http","port":80}]"#, #""addressType":"FQDN""#,
      #""tonari.dev/weight":""#, #""tonari.dev/concurrency":""#, #""hints":{"#, "65536",
    ],
    seeds: [
      InputReader.pieces([
        Array(
          #"{"tonari.dev/weight":"2.5","tonari.dev/concurrency":"8"}"#.utf8),
        Array(
          (#"{"metadata":{"name":"s","namespace":"shop","labels":{"kubernetes.io/service-name":"cart"}},"addressType":"IPv4","#
            + #""endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true},"nodeName":"n","zone":"z","targetRef":"#
            + #"{"kind":"Pod","namespace":"shop","name":"p"}},{"addresses":["fd00::1"],"conditions":{"terminating":true}}],"#
            + #""ports":[{"name":"http","port":80,"protocol":"TCP"},{"port":443}]}"#).utf8),
      ])
    ]
  ) { bytes in
    var input = InputReader(bytes)
    var table = EndpointTable(cluster: "a")
    let dispatcher = Dispatcher()
    if let piece = input.piece(), let annotations = try? JSONDecoder().decode([String: String].self, from: Data(piece))
    {
      table.pods[ObjectKey(namespace: "shop", name: "p")] = PodTraits(labels: annotations, annotations: annotations)
    }
    var before: [ObjectKey: EndpointSlice] = [:]
    while let piece = input.piece() {
      guard let object = try? RawObject(json: piece), let slice = try? object.decode(EndpointSlice.self) else {
        continue
      }
      for service in table.set(object.key, from: before.updateValue(slice, forKey: object.key), to: slice) {
        for (name, replicas) in table.replicas(of: service) {
          try expect(replicas.allSatisfy { $0.fault == nil }, "a replica that is none: \(replicas)")
          dispatcher.set(replicas, of: name, from: .kubernetes, at: .start)
          dispatcher.set(aliases: table.aliases[name] ?? [], of: name)
        }
      }
    }
    try exercise(dispatcher, at: .start)
  }

  /// Pods as the extender watches them.
  static let watchedPod = Fuzzer(
    "watched-pod",
    words: kubernetesWords + [
      #""ownerReferences":[{"kind":"ReplicaSet","name":"a-1","controller":true}]"#, #""nodeName":"#,
      #""phase":"Failed""#,
      #""pod-template-hash":"1""#, #""tonari.dev/workload":"a/b""#, #""deletionTimestamp":"#,
    ],
    seeds: texts(
      #"{"metadata":{"name":"p","namespace":"shop","uid":"u","labels":{"pod-template-hash":"1"},"annotations":{"#
        + #""tonari.dev/workload":"cart"},"ownerReferences":[{"kind":"ReplicaSet","name":"cart-1","controller":true}]},"#
        + #""spec":{"nodeName":"n"},"status":{"phase":"Running"}}"#)
  ) { bytes in
    _ = try? WatchedPod(Array(bytes))
  }

  /// Routes that a policy splits, whatever is in them. The patch keeps the weights' sum within what Kubernetes allows.
  static let routes = Fuzzer(
    "routes",
    words: kubernetesWords + [
      #""http":[{"route":["#, #"{"destination":{"host":"cart"},"weight":50}"#, #""rules":[{"backendRefs":["#,
      #"{"name":"cart","weight":1}"#, #"{"destination":{"host":"cart.b.example"}}"#, #""weight":2147483647"#,
      #""weight":-1"#, #""weight":0.5"#,
    ],
    seeds: texts(
      #"{"spec":{"http":[{"name":"r","route":[{"destination":{"host":"cart"},"weight":70},{"destination":{"host":"cart","#
        + #""subset":"v2"},"weight":10},{"destination":{"host":"n0.example"},"weight":15},{"destination":{"host":"else"},"#
        + #""weight":5}]}]}}"#,
      #"{"spec":{"rules":[{"backendRefs":[{"name":"cart","port":80},{"name":"n0.example","kind":"Hostname","weight":2}]}]}}"#
    )
  ) { bytes in
    guard let object = try? JSONDecoder().decode(JSONValue.self, from: Data(bytes)) else { return }
    for kind in [OverflowPolicy.Route.Kind.virtualService, .httpRoute] {
      let policy = OverflowPolicy(
        key: ObjectKey(namespace: "shop", name: "cart"),
        spec: .init(
          service: "cart", capacity: .perMinute(60), neighbours: [.init(name: "b", host: "n0.example", cost: 20)],
          route: .init(kind: kind, name: "r")))
      guard let route = policy.spec.route else { continue }
      let weighted = WeightedRoute(object, route, of: policy)
      _ = weighted.shares
      for local in [0, 1, 400, 1000] {
        _ = weighted.patch { parts in (local * parts / 1000, [parts - local * parts / 1000]) }
      }
    }
  }
}
