import Overflow
import Selection
import Testing

@testable import Fleet
@testable import MeshController

@Suite("The status of a policy")
struct StatusDraftTests {
  private func decision(_ local: Double, demand: Double? = 1080, _ phase: PolicyCourse.Phase = .steering)
    -> PolicyCourse.Decision
  {
    PolicyCourse.Decision(
      phase: phase, split: Split(local: local, remote: [1 - local]), isToBeWritten: phase != .holding,
      demandPerMinute: demand, capacityPerMinute: 540, neighbours: [Neighbour(name: "edge-b")], failing: [])
  }

  private func status(
    _ decision: PolicyCourse.Decision, _ time: String, fault: (reason: String, message: String)? = nil,
    over before: OverflowPolicy.Status? = nil
  ) -> OverflowPolicy.Status {
    StatusDraft.status(
      PolicyCourseTests.policy(), decision, .init(generation: 1, fault: fault, written: decision.split, time: time),
      before: before)
  }

  @Test("A condition's time is that of its change")
  func conditions() {
    let first = status(decision(1), "1")
    let second = status(decision(0.5), "2", over: first)
    let third = status(decision(0.4), "3", over: second)
    #expect(third.condition("Overflowing")?.lastTransitionTime == "2")
    #expect(third.condition("Measured")?.lastTransitionTime == "1")
    #expect(third.condition("Overflowing")?.message == "requests go to edge-b, too")
    let held = status(decision(0.4, demand: nil, .holding), "4", over: third)
    #expect(held.condition("Measured")?.holds == false)
    #expect(held.condition("Overflowing")?.holds == true)
    #expect(held.localShare == 0.4)
    let broken = status(decision(0.4), "5", fault: ("RouteMissing", "there is none"), over: held)
    #expect(broken.condition("Ready")?.holds == false)
    #expect(broken.condition("Ready")?.reason == "RouteMissing")
  }

  @Test("Of a policy that cannot be followed no demand is said")
  func refusal() {
    let before = status(decision(0.5), "1")
    #expect(before.demandPerMinute == 1080)
    let refused = StatusDraft.status(nil, nil, .init(fault: ("Invalid", "it is"), time: "2"), before: before)
    #expect(refused.demandPerMinute == nil && refused.localShare == 0.5)
  }

  @Test("A metric of any name makes no lines of its own, and no long ones")
  func metricNames() throws {
    let name = "a\u{1B}[2J\n\u{202E}" + String(repeating: "x", count: 5000)
    let metric = Autoscaler.Metric(name: name, current: 55, target: 80)
    var circumstances = StatusDraft.Circumstances(time: "1")
    circumstances.scaling = .init(
      autoscaler: Autoscaler(name: "cart", current: 3, desired: 3, most: 10, metrics: [metric]),
      verdict: .neverScales(metric))
    let status = StatusDraft.status(PolicyCourseTests.policy(), decision(0.5), circumstances, before: nil)
    let message = try #require(status.condition("Scaling")?.message)
    #expect(message.contains("its a\u{FFFD}[2J \u{FFFD}xxx"), "\(message)")
    #expect(message.count < 700 && message.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
  }

  @Test("Another truth is written at once, figures that moved after a while, and nothing else")
  func pacing() {
    let before = status(decision(0.5), "1")
    #expect(StatusDraft.isWorthWriting(before, over: nil, after: nil))
    #expect(!StatusDraft.isWorthWriting(status(decision(0.5), "2", over: before), over: before, after: 1000))
    let noise = status(decision(0.499, demand: 1090), "2", over: before)
    #expect(!StatusDraft.isWorthWriting(noise, over: before, after: 1000))
    let moved = status(decision(0.4, demand: 1350), "2", over: before)
    #expect(!StatusDraft.isWorthWriting(moved, over: before, after: 3))
    #expect(StatusDraft.isWorthWriting(moved, over: before, after: StatusDraft.pause))
    #expect(StatusDraft.isWorthWriting(status(decision(1), "2", over: before), over: before, after: 0))
  }
}
