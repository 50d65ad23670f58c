import Overflow
import Selection
import Testing

@testable import OverflowController
@testable import OverflowPolicies

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
