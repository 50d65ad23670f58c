import Model
import Testing

@testable import Connections
@testable import Formats
@testable import Kubernetes

struct ReflectorCourseTests {
  private var generator = SeededGenerator(seed: 1)
  private var course = ReflectorCourse(backoff: Backoff())

  static func error(_ code: APIError.Code, status: Int? = nil) -> APIError {
    APIError(code: code, message: "test", status: status.map { APIStatus(code: $0) })
  }
  static let expired = error(.refused, status: 410)

  @Test("After a list comes a watch from its version, and each event moves the version on")
  mutating func forward() {
    #expect(course.step == .list)
    course.listed(at: "5")
    #expect(course.step == .watch(from: "5"))
    course.progressed(to: "8")
    #expect(course.step == .watch(from: "8"))
    #expect(course.ended(after: .milliseconds(1), hasProgressed: true, using: &generator) == .zero)
    #expect(course.step == .watch(from: "8"))
  }

  @Test("A list that fails is tried again, later and later")
  mutating func failedList() {
    var total = Duration.zero
    for _ in 0..<10 {
      let delay = course.failed(Self.error(.unreachable), using: &generator)
      #expect(delay >= .milliseconds(800))
      #expect(course.step == .list)
      total += delay
    }
    #expect(total > .seconds(20))
  }

  @Test("A broken watch goes on from where it was, for as long as the way is broken")
  mutating func brokenWatch() {
    course.listed(at: "5")
    course.progressed(to: "6")
    for _ in 0..<20 {
      #expect(course.failed(Self.error(.unreachable), using: &generator) >= .milliseconds(800))
      #expect(course.step == .watch(from: "6"))
    }
  }

  @Test("A version that is too old leads to a fresh list: at once after progress, with a pause where there was none")
  mutating func expiry() {
    course.listed(at: "5")
    course.progressed(to: "6")
    #expect(course.failed(Self.expired, using: &generator) == .zero)
    #expect(course.step == .list)
    course.listed(at: "9")
    #expect(course.failed(Self.expired, using: &generator) >= .milliseconds(800))
    #expect(course.step == .list)
  }

  @Test("Answers that make no sense, again and again, lead to a fresh list", arguments: [true, false])
  mutating func nonsense(isRefused: Bool) {
    let error = isRefused ? Self.error(.refused, status: 504) : Self.error(.invalidResponse)
    course.listed(at: "5")
    for _ in 0..<2 {
      _ = course.failed(error, using: &generator)
      #expect(course.step == .watch(from: "5"))
    }
    _ = course.failed(error, using: &generator)
    #expect(course.step == .list)
    // An event in between shows that the version is good.
    course.listed(at: "6")
    for version in ["7", "8", "9", "10"] {
      _ = course.failed(error, using: &generator)
      course.progressed(to: version)
    }
    #expect(course.step == .watch(from: "10"))
  }

  @Test("Watches that end as soon as they start do not follow each other without a pause")
  mutating func shortWatches() {
    course.listed(at: "5")
    #expect(course.ended(after: .milliseconds(10), hasProgressed: false, using: &generator) >= .milliseconds(800))
    #expect(course.ended(after: .seconds(300), hasProgressed: false, using: &generator) == .zero)
  }

  @Test("A server that says when to come again is listened to")
  mutating func retryAfter() {
    var error = Self.error(.refused, status: 429)
    error.retryAfter = .seconds(40)
    #expect(course.failed(error, using: &generator) == .seconds(40))
  }
}
