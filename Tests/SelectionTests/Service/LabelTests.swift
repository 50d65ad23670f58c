import Model
import Testing

@testable import Selection

@Suite("Labels that requests ask for")
struct LabelTests {
  private static func replica(_ number: Int, _ labels: [String] = []) -> ServiceReplica {
    ServiceReplica(address: "10.0.\(number / 250).\(number % 250):80", labels: ["pod=\(number)"] + labels)
  }

  private static func pick(_ dispatcher: Dispatcher, _ labels: String...) -> String? {
    let answer = PickAnswer()
    guard dispatcher.service("s")?.pick(PickQuery(labels: labels), owner: 0, at: .start, into: answer) == .picked else {
      return nil
    }
    return answer.addressString(0)
  }

  @Test("are found, however many others the replicas had over the life of the service")
  func renewals() {
    let dispatcher = Dispatcher()
    for generation in 0..<200 {
      dispatcher.set(
        [Self.replica(1, ["hash=\(generation)"]), Self.replica(2, ["hash=\(generation)", "track=canary"])], of: "s",
        from: .file, at: .start)
      #expect(Self.pick(dispatcher, "track=canary") == "10.0.0.2:80")
      #expect(Self.pick(dispatcher, "hash=\(generation)", "pod=1") == "10.0.0.1:80")
      #expect(Self.pick(dispatcher, "hash=\(generation - 1)") == nil)
    }
  }

  @Test("are found, however many are asked for one after the other")
  func many() {
    let dispatcher = Dispatcher()
    dispatcher.set((0..<500).map { Self.replica($0, ["all=1"]) }, of: "s", from: .file, at: .start)
    for round in 0..<2 {
      for number in 0..<500 {
        #expect(Self.pick(dispatcher, "pod=\(number)", "all=1") == Self.replica(number).address, "round \(round)")
      }
    }
    #expect(Self.pick(dispatcher, "pod=500") == nil)
  }

  @Test("of a request find nobody where they are more than any can be told apart by, and the next request is served")
  func tooMany() {
    let dispatcher = Dispatcher()
    let labels = (0...LabelBits.most).map { "x=\($0)" }
    dispatcher.set([ServiceReplica(address: "a:1", labels: labels)], of: "s", from: .file, at: .start)
    let answer = PickAnswer()
    let status = dispatcher.service("s")?.pick(PickQuery(labels: labels), owner: 0, at: .start, into: answer)
    #expect(status == .noReplica)
    #expect(Self.pick(dispatcher, "x=3") == "a:1")
    let most = dispatcher.service("s")?.pick(
      PickQuery(labels: Array(labels.dropLast())), owner: 0, at: .start, into: answer)
    #expect(most == .picked)
  }

  @Test("come and go with the replicas, and all are told of")
  func changes() {
    let dispatcher = Dispatcher()
    dispatcher.set([Self.replica(1), Self.replica(2)], of: "s", from: .file, at: .start)
    #expect(Self.pick(dispatcher, "track=canary") == nil)
    dispatcher.set([Self.replica(1, ["track=canary"]), Self.replica(2)], of: "s", from: .file, at: .start)
    #expect(Self.pick(dispatcher, "track=canary") == Self.replica(1).address)
    dispatcher.set([Self.replica(1), Self.replica(2, ["track=canary"])], of: "s", from: .file, at: .start)
    #expect(Self.pick(dispatcher, "track=canary") == Self.replica(2).address)
    let many = (0..<200).map { "label=\($0)" }
    dispatcher.set([ServiceReplica(address: "a:1", labels: many)], of: "s", from: .file, at: .start)
    #expect(dispatcher.service("s")?.status(at: .start).replicas.first?.replica.labels == many)
  }
}
