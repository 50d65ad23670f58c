import Testing

@testable import Traffic

private let pods = #""source": {"namespace": "n", "pod_name": "a"}, "destination": {"namespace": "n", "pod_name": "b"}"#

/// Flows between two pods, one for each of the given members.
private func flows(_ members: [String]) -> String {
  members.map { #"{"flow": {"verdict": "FORWARDED", \#(pods), \#($0)}}"# }.joined(separator: "\n")
}

@Suite struct HubbleTests {
  @Test(
    "Of an edge, requests are counted before connections and connections before packets",
    arguments: [
      ("packets alone", [#""is_reply": false"#, #""is_reply": false"#], 2),
      (
        "a connection and its packets",
        [#""l4": {"TCP": {"flags": {"SYN": true}}}"#, #""is_reply": false"#, #""is_reply": false"#], 1
      ),
      (
        "requests on a connection",
        [#""l4": {"TCP": {"flags": {"SYN": true}}}"#] + Array(repeating: #""l7": {"type": "REQUEST"}"#, count: 3), 3
      ),
      (
        "a connection seen at three points",
        ["FROM_ENDPOINT", "TO_OVERLAY", "TO_ENDPOINT"].map {
          #""trace_observation_point": "\#($0)", "l4": {"TCP": {"flags": {"SYN": true}}}"#
        }, 1
      ),
      (
        "a request that the proxies of both sides saw",
        ["EGRESS", "INGRESS"].map { #""traffic_direction": "\#($0)", "l7": {"type": "REQUEST"}"# }, 1
      ),
    ]
  )
  func evidence(_ what: String, _ members: [String], _ count: Int) throws {
    #expect(lines(try read(flows(members)).graph) == ["n/a → n/b: \(count)/s"])
  }

  @Test(
    "Replies are left out",
    arguments: [
      #""is_reply": true"#, #""reply": true"#, #""l7": {"type": "RESPONSE"}"#, #""l7": {"type": "SAMPLE"}"#,
      #""l4": {"TCP": {"flags": {"SYN": true, "ACK": true}}}"#,
      #""trace_observation_point": "FROM_ENDPOINT", "is_reply": null"#,
    ]
  )
  func replies(_ member: String) throws {
    let dump = try read(flows([member]))
    #expect(dump.graph.edges.isEmpty)
    #expect(dump.dropped == [.init(reason: "replies", count: 1)])
  }

  @Test(
    "An end is its workload, its labels' name or its pod; what is no pod is outside",
    arguments: [
      (#""namespace": "n", "pod_name": "a-1", "labels": ["k8s:app=a"], "workloads": [{"name": "w"}]"#, "n/w", false),
      (#""namespace": "n", "pod_name": "a-1", "labels": ["k8s:k8s-app=c", "k8s:app=a"]"#, "n/a", false),
      (#""namespace": "n", "labels": ["k8s:app=a", "k8s:app.kubernetes.io/name=x=y"]"#, "n/x=y", false),
      (#""labels": ["k8s:io.kubernetes.pod.namespace=n", "k8s:app=a"]"#, "n/a", false),
      (#""namespace": "", "pod_name": "a-1""#, "a-1", false),
      (#""labels": ["reserved:host"]"#, "host", true),
      (#""labels": ["reserved:kube-apiserver", "reserved:remote-node"]"#, "kube-apiserver", true),
      (#""identity": 2"#, "unknown", true),
    ]
  )
  func ends(_ members: String, _ name: String, _ isOutside: Bool) throws {
    let flow = #"{"verdict": "FORWARDED", "destination": {"pod_name": "b"}, "source": {\#(members)}}"#
    let endpoint = try #require(try read(flow).graph.endpoints.first)
    #expect(endpoint.description == name)
    #expect(endpoint.isOutside == isOutside)
  }

  @Test(
    "A flow counts where its verdict let it pass",
    arguments: [
      (#""FORWARDED""#, true), (#""AUDIT""#, true), (#""REDIRECTED""#, true), (#""DROPPED""#, false),
      (#""ERROR""#, false), (#""TRACED""#, false), ("1", true), ("4", true), ("5", true), ("2", false), ("0", false),
    ]
  )
  func verdicts(_ verdict: String, _ passes: Bool) throws {
    let dump = try read(#"{"flow": {"verdict": \#(verdict), \#(pods)}}"#)
    #expect(lines(dump.graph) == (passes ? ["n/a → n/b: 1/s"] : []))
    #expect(dump.dropped.map(\.reason) == (passes ? [] : ["not forwarded"]))
  }

  @Test("Flows of which a field mask left the ends alone are counted, over the time of their lines")
  func fieldMask() throws {
    // As hubble observe -o json --experimental-field-mask source.namespace,source.pod_name,… writes them.
    let lines = (0..<3).map { second in
      #"{"flow": {\#(pods)}, "node_name": "kind/a", "time": "2026-05-01T12:00:0\#(second)Z"}"#
    }
    let dump = try read(lines.joined(separator: "\n"))
    #expect(dump.format == .hubble)
    #expect(TrafficTests.lines(dump.graph) == ["n/a → n/b: 1.5/s"])
    #expect(dump.warnings == ["flows without a verdict are taken as forwarded, and those back as well"])
    #expect(TrafficTests.lines(try read("{\(pods)}").graph) == ["n/a → n/b: 1/s"])
  }

  @Test("Older versions write verdicts as numbers and times as seconds and nanoseconds")
  func older() throws {
    let flow = #"{"verdict": 1, "time": {"seconds": "100", "nanos": 500000000}, "is_reply": false, \#(pods)}"#
    let later = flow.replacing("100", with: "104")
    #expect(lines(try read("[\(flow), \(later)]").graph) == ["n/a → n/b: 0.5/s"])
    #expect(try read(flow.replacing("\"verdict\": 1", with: "\"verdict\": 2")).dropped.first?.reason == "not forwarded")
  }

  @Test("What does not compare is said, and packets are marked as such")
  func mixed() throws {
    let mixed =
      flows([#""l7": {"type": "REQUEST"}"#])
      + flows([#""is_reply": false"#, #""is_reply": false"#]).replacing(#""pod_name": "a""#, with: #""pod_name": "c""#)
    let dump = try read(mixed)
    #expect(lines(dump.graph) == ["n/a → n/b: 1/s", "n/c → n/b: 2/s"])
    #expect(dump.graph.edges.map(\.countsPackets) == [false, true])
    #expect(dump.warnings.contains { $0.hasPrefix("counted are requests on 1 edges, packets on 1 edges") })
    #expect(try read(flows([#""is_reply": false"#])).warnings.isEmpty)
  }
}
