import Foundation
import NIOCore

@testable import Extender

extension Fuzzer {
  private static let schedulerWords =
    kubernetesWords + [
      #""Pod":{"#, #""NodeNames":["#, #""Nodes":{"items":[{"metadata":{"name":"n"}}]}"#, #""nodenames":null"#,
      #""NodeNameToVictims":{"#, #""NodeNameToMetaVictims":{"#, #""Pods":[{"UID":""#, #""NumPDBViolations":"#,
      #""PodName":"#, #""PodNamespace":"#, #""PodUID":"#, #""Node":"#, #""ownerReferences":[{"controller":true,"#,
      #""pod-template-hash":"#, "\u{FEFF}",
    ]

  /// `/filter` and `/prioritize`. What is answered is JSON that names nodes of the request alone.
  static let scheduling = Fuzzer(
    "scheduling", words: schedulerWords,
    seeds: texts(
      #"{"Pod":{"metadata":{"name":"p","namespace":"shop","uid":"u","labels":{"pod-template-hash":"1"},"ownerReferences":[{"#
        + #""kind":"ReplicaSet","name":"cart-1","controller":true}]}},"NodeNames":["n1","n\u0032"],"Nodes":null}"#,
      #"{"pod":{},"nodes":{"items":[{"metadata":{"name":"n1","labels":{"a":"b"}}},{"metadata":{"name":"n2"}}]}}"#)
  ) { bytes in
    guard let request = try? SchedulingRequest(bytes) else { return }
    let body = ByteBuffer(bytes: bytes)
    var names = NameTable()
    _ = names.insert("n1")
    let numbers = names.numbers(of: request.candidates, in: bytes)
    try expect(numbers.count == request.candidates.count, "\(numbers.count) numbers of nodes")
    let allowed = request.candidates.indices.map { $0 % 2 == 0 }
    let scores = request.candidates.indices.map { UInt8($0 % 11) }
    // Schedulers' JSON is UTF-8; what is echoed of other bytes is not better than they.
    guard let text = String(validating: bytes, as: UTF8.self), !hasSurrogate(text) else { return }
    try expectJSON(Answer(request, in: body, allowed: nil, reason: ""))
    try expectJSON(Answer(request, in: body, allowed: allowed, reason: "no \"room\""))
    try expectJSON(Answer(request, in: body, scores: scores))
  }

  /// `/preempt`.
  static let preemption = Fuzzer(
    "preemption", words: schedulerWords,
    seeds: texts(
      #"{"Pod":{"metadata":{"name":"p"}},"NodeNameToVictims":{"n1":{"Pods":[{"metadata":{"uid":"a"}}],"NumPDBViolations":1}}}"#,
      #"{"Pod":{},"NodeNameToMetaVictims":{"n1":{"Pods":[{"UID":"a"},{"UID":"b"}],"NumPDBViolations":-3},"n2":null}}"#)
  ) { bytes in
    guard let request = try? PreemptionRequest(bytes) else { return }
    try expectJSON(Answer(request.victims))
  }

  /// `/bind`.
  static let binding = Fuzzer(
    "binding", words: schedulerWords,
    seeds: texts(#"{"PodName":"p","PodNamespace":"shop","PodUID":"u","Node":"n1"}"#)
  ) { bytes in
    guard let request = try? BindingRequest(bytes) else { return }
    try expect(!request.name.isEmpty && !request.node.isEmpty, "a binding of nothing: \(request)")
  }

  /// Whether a text has half of a character in it, as an escape, which Foundation does not read and Go does.
  private static func hasSurrogate(_ text: String) -> Bool { text.lowercased().contains("\\ud") }

  private static func expectJSON(_ answer: Answer) throws {
    let bytes = Data(answer.joined.readableBytesView)
    guard (try? JSONSerialization.jsonObject(with: bytes)) != nil else {
      throw Violation(description: "no JSON: \(String(decoding: bytes.prefix(400), as: UTF8.self))")
    }
  }
}
