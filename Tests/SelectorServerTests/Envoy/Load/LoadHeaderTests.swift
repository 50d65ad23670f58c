import EnvoyProtocol
import Foundation
import Model
import Selection
import SwiftProtobuf
import Testing

@testable import SelectorServer

@Suite("The load in a response's header")
struct LoadHeaderTests {
  private typealias Report = Xds_Data_Orca_V3_OrcaLoadReport

  private func load(_ text: String, isBinary: Bool = false) -> LoadReport? {
    LoadReport(endpointLoadMetrics: text.utf8, isBinaryHeader: isBinary)
  }

  @Test(
    "is read as text, which may say so, with either separator and with what nobody knows",
    arguments: [
      ("TEXT cpu_utilization=0.3", LoadReport(cpuUtilization: 0.3)),
      ("cpu_utilization=0.3", LoadReport(cpuUtilization: 0.3)),
      ("cpu_utilization:0.3,mem_utilization:0.9", LoadReport(cpuUtilization: 0.3)),
      ("TEXT  cpu_utilization = 0.3 ,\tapplication_utilization=1.25 ", LoadReport(cpuUtilization: 1.25)),
      (
        "TEXT rps_fractional=120.5,eps=2,named_metrics.in_flight=4,named_metrics.queued=1,utilization.gpu=0.7",
        LoadReport(inFlight: 4, queued: 1, requestsPerSecond: 120.5, errorsPerSecond: 2)
      ),
      ("TEXT rps=120", LoadReport(requestsPerSecond: 120, errorsPerSecond: 0)),
      ("TEXT cpu_utilization=3e-1,", LoadReport(cpuUtilization: 0.3)),
      ("TEXT cpu_utilization=0.300000000000000000001", LoadReport(cpuUtilization: 0.3)),
      ("TEXT cpu_utilization=+.5,named_metrics.in_flight=0", LoadReport(inFlight: 0, cpuUtilization: 0.5)),
      ("TEXT cpu_utilization=nan,application_utilization=-1,named_metrics.queued=2", LoadReport(queued: 2)),
    ] as [(String, LoadReport)])
  func text(value: String, expected: LoadReport) {
    #expect(load(value) == expected)
    #expect(LoadReport(endpointLoadMetrics: value.utf8.lazy.map { $0 }, isBinaryHeader: false) == expected)
  }

  @Test(
    "is none where it is malformed or says nothing that counts",
    arguments: [
      "", "TEXT", "TEXT ", ",", "TEXT ,,", "cpu_utilization", "cpu_utilization=", "cpu_utilization=a", "=", "=1", ":",
      "cpu_utilization=.", "cpu_utilization=1.2.3", "cpu_utilization=0", "cpu_utilization=-0.5", "cpu_utilization=inf",
      "cpu_utilization=0.5,x", "eps=5", "mem_utilization=0.5", "named_metrics.in_flight=-1",
      "named_metrics.in_flight=1e300", "JSON", "JSON ", "JSON [", "JSON {\"cpu_utilization\": \"x\"}", "JSON {}", "BIN",
      "BIN ", "BIN !", "BIN AAAA", "BIN =", "text cpu_utilization",
    ])
  func malformed(value: String) {
    #expect(load(value) == nil)
  }

  @Test("is read as JSON and as base64, padded or not")
  func messages() throws {
    #expect(
      load(#"JSON {"cpu_utilization": 0.5, "else": [1], "rpsFractional": 3}"#)
        == LoadReport(cpuUtilization: 0.5, requestsPerSecond: 3, errorsPerSecond: 0))
    let report = Report.with {
      $0.cpuUtilization = 0.5
      $0.namedMetrics = ["in_flight": 7]
    }
    let expected = LoadReport(inFlight: 7, cpuUtilization: 0.5)
    let base64 = try report.serializedData().base64EncodedString()
    #expect(load("BIN \(base64)") == expected)
    #expect(load(base64, isBinary: true) == expected)
    #expect(load(base64.replacingOccurrences(of: "=", with: ""), isBinary: true) == expected)
    #expect(load("cpu_utilization=0.5", isBinary: true) == nil)
  }

  @Test("Figures of a message that are zero, negative or no numbers count as not there")
  func figures() {
    for bad in [0, -1, -0.0, .nan, .infinity, -.infinity] {
      let report = Report.with {
        $0.cpuUtilization = 0.25
        $0.applicationUtilization = bad
        $0.rpsFractional = bad
        $0.rps = 9
        $0.eps = bad
      }
      #expect(LoadReport(report)?.cpuUtilization == 0.25)
      #expect(LoadReport(report)?.requestsPerSecond == 9)
      #expect(LoadReport(report)?.errorsPerSecond == (bad == 0 ? 0 : nil))
      #expect(LoadReport(Report.with { $0.cpuUtilization = bad }) == nil)
      #expect(LoadReport(Report.with { $0.eps = 5 }) == nil, "errors of how many requests?")
    }
    #expect(LoadReport(Report.with { $0.namedMetrics = ["in_flight": .nan, "queued": 1e12] }) == nil)
  }

  @Test(
    "What is no base64 is no report",
    arguments: ["A", "AAAAA", "A=", "AA===", "A A=", "=AAA", "AAAA=", "AA==AA==", "ä", "", "===="])
  func base64(_ wrong: String) {
    #expect(load(wrong, isBinary: true) == nil)
    #expect(load("BIN \(wrong)") == nil)
  }

  @Test("Whatever bytes there are, nothing crashes, and what is read can be")
  func fuzz() throws {
    var generator = SeededGenerator(seed: 7)
    let base64 = try Report.with { $0.namedMetrics = ["in_flight": 7, "queued": 1] }.serializedData()
      .base64EncodedString()
    let seeds = [
      "TEXT cpu_utilization=0.3,rps_fractional=1e5,named_metrics.in_flight=4", "BIN \(base64)", base64,
      #"JSON {"cpu_utilization": 0.5, "named_metrics": {"queued": 3}}"#, "eps:1,rps:2",
    ].map { Array($0.utf8) }
    var read = 0
    for round in 0..<60_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let at = Int.random(in: 0...bytes.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes.insert(UInt8.random(in: 0 ... .max, using: &generator), at: at)
        case 1: if at < bytes.count { bytes.remove(at: at) }
        case 2: if at < bytes.count { bytes[at] = Array(",=:.e-+ 0".utf8)[Int.random(in: 0..<9, using: &generator)] }
        default: bytes.removeSubrange(at...)
        }
      }
      guard let load = LoadReport(endpointLoadMetrics: bytes, isBinaryHeader: round % 7 == 0) else { continue }
      read += 1
      #expect(load.inFlight ?? 0 >= 0 && load.queued ?? 0 >= 0)
      for figure in [load.cpuUtilization, load.requestsPerSecond].compactMap(\.self) {
        #expect(figure > 0 && figure.isFinite)
      }
    }
    #expect(read > 5_000)
  }
}
