import Model
import Overflow
import Testing

struct AdmissionTests {
  @Test(
    "Over any stretch of time the rate is kept, and used up where there is enough",
    arguments: [(540.0, 2.0), (60, 4), (6000, 1), (37.5, 4)])
  func rate(perMinute: Double, burst: Double) {
    var admission = Admission(perMinute: perMinute, burst: .seconds(burst))
    var generator = SeededGenerator(seed: 3)
    var now = 0.0
    var times: [Double] = []
    while now < 600 {
      now += generator.unit() * 20 / perMinute
      if admission.admit(at: .seconds(now)) { times.append(now) }
    }
    let rate = perMinute / 60
    var begin = 0
    for end in times.indices {
      while times[end] - times[begin] > 30 { begin += 1 }
      #expect(Double(end - begin) <= (times[end] - times[begin]) * rate + burst * rate + 1 + 1e-6)
    }
    #expect(abs(Double(times.count) - 600 * rate) <= 2 + burst * rate)
  }

  @Test("The first request that is too many is told")
  func first() {
    var admission = Admission(perMinute: 600, burst: .zero)
    // Half the rate: all stay. Then twice the rate: the second stays away already.
    let calm = (0..<50).count { admission.admit(at: .seconds(Double($0) * 0.2)) }
    #expect(calm == 50)
    let start = 10.0
    let decisions = (0..<20).map { admission.admit(at: .seconds(start + Double($0) * 0.05)) }
    #expect(decisions == (0..<20).map { $0 % 2 == 0 })
  }

  @Test("Rates that are none let nothing in, an infinite one everything")
  func extremes() {
    for rate in [0, -1, .nan, 1e-9] {
      var admission = Admission(perMinute: rate)
      let isAdmitted = admission.admit(at: .start)
      #expect(!isAdmitted)
    }
    var admission = Admission(perMinute: .infinity)
    let admitted = (0..<1000).count { _ in admission.admit(at: .start) }
    admission.set(perMinute: 0)
    let isAdmitted = admission.admit(at: .start)
    admission.set(perMinute: 60)
    let isAdmittedAgain = admission.admit(at: .seconds(1))
    #expect(admitted == 1000 && !isAdmitted && isAdmittedAgain)
  }

  @Test("What went elsewhere can be given back")
  func giveBack() {
    var admission = Admission(perMinute: 60, burst: .zero)
    let before = (0..<2).map { _ in admission.admit(at: .seconds(1)) }
    admission.giveBack()
    let after = admission.admit(at: .seconds(1))
    #expect(before == [true, false] && after)
  }
}
