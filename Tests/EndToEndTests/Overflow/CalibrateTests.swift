import ControlPlaneTestSupport
import Foundation
import Testing

@Suite("tonari calibrate")
struct CalibrateTests {
  private struct Document: Decodable {
    struct Step: Decodable {
      var perMinute: Double
      var requests: Int
      var errors: Int
      var standing: String
    }

    var perPodPerMinute: Double?
    var steepPerMinute: Double?
    var isLimit: Bool
    var steps: [Step]
  }

  /// One at a time, 50 ms each: 1,200 requests a minute and no more.
  private static let settings = "concurrency=1,mean=50ms,service=constant"

  @Test("takes a response that sends elsewhere for none", arguments: [302, 404, 200])
  func status(_ status: Int) async throws {
    let server = try LoopbackListener { descriptor in
      let connection = LoopbackConnection(descriptor)
      // Whoever closes the connection is served.
      while (try? connection.receive(until: "\r\n\r\n")) != nil {
        try? connection.send("HTTP/1.1 \(status) X\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n")
      }
    }
    let run = try await TonariProcess([
      "calibrate", "http://127.0.0.1:\(server.port)/", "--from", "600", "--up-to", "600", "--step-seconds", "0.5",
    ]).result()
    #expect(run.status == (status == 200 ? 0 : 1), "\(run.messages)")
    #expect(status == 200 || run.messages.contains("no request was answered: status \(status)"), "\(run.messages)")
  }

  @Test("finds what a real server bears, and says what to put in a policy")
  func limit() async throws {
    try await Fixtures.withFolder { folder in
      let replicas = try await ToyReplicas.start([Self.settings], in: folder)
      let arguments = [
        "calibrate", "http://\(replicas.addresses[0])/", "--from", "300", "--by", "300", "--step-seconds", "3",
        "--timeout", "1s", "-o", "json",
      ]
      let run = try await TonariProcess(arguments).result()
      #expect(run.status == 0, "\(run.messages)")
      #expect(run.messages.contains("300 a minute: median "), "\(run.messages)")
      let found = try JSONDecoder().decode(Document.self, from: run.output)
      #expect(found.isLimit)
      let capacity = try #require(found.perPodPerMinute)
      #expect((300...1200).contains(capacity), "\(run.messages)")
      let steep = try #require(found.steepPerMinute)
      #expect((900...2100).contains(steep), "\(run.messages)")
      #expect(found.steps.first?.requests == 15 && found.steps.first?.standing == "stable")
      #expect(found.steps.last?.standing == "steep")
      // It stops soon after the limit.
      #expect((found.steps.last?.perMinute ?? 0) <= 2700)
    }
  }

  @Test("says that a pod bears all that it was asked, and how much")
  func noLimit() async throws {
    try await Fixtures.withFolder { folder in
      let replicas = try await ToyReplicas.start([Self.settings], in: folder)
      let run = try await TonariProcess([
        "calibrate", "http://\(replicas.addresses[0])/", "--from", "300", "--by", "300", "--up-to", "600",
        "--step-seconds", "1", "--quiet",
      ]).result()
      #expect(run.status == 0 && run.messages.isEmpty, "\(run.messages)")
      #expect(run.text.contains("and perhaps more"), "\(run.text)")
      #expect(run.text.contains("capacity: {perPodPerMinute: 600}"), "\(run.text)")
    }
  }

  @Test("fails where nobody answers, and where all that is answered is an error")
  func nobody() async throws {
    try await Fixtures.withFolder { folder in
      let failing = try await ToyReplicas.start([Self.settings + ",fail=1"], in: folder)
      let run = try await TonariProcess([
        "calibrate", "http://\(failing.addresses[0])/", "--from", "600", "--step-seconds", "0.5",
      ]).result()
      #expect(run.status == 1)
      #expect(run.messages.contains("no request was answered: status 500"), "\(run.messages)")
      await failing.server.kill()
      let gone = try await TonariProcess([
        "calibrate", "http://\(failing.addresses[0])/", "--from", "600", "--step-seconds", "0.5",
      ]).result()
      #expect(gone.status == 1)
      #expect(gone.messages.contains("no request was answered"), "\(gone.messages)")
    }
  }

  @Test(
    "says what is wrong with its arguments",
    arguments: [
      (["calibrate", "nowhere"], "expected a URL"), (["calibrate", "http://h/", "--from", "0"], "--from 0"),
      (["calibrate", "http://h/", "--step-seconds", "1"], "has no request"),
      (["calibrate", "http://h/", "--up-to", "5"], "--up-to 5"),
      (["calibrate", "http://h/", "--header", "Host"], "expected a header"),
    ])
  func wrong(arguments: [String], message: String) async throws {
    let run = try await TonariProcess(arguments).result()
    #expect(run.status == 2)
    #expect(run.messages.contains(message), "\(run.messages)")
  }
}
