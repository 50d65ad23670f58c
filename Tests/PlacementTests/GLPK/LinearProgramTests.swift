import CGLPK
import Foundation
import Testing

@testable import Placement

/// maximize 3a + 5b  with  a ≤ 4,  2b ≤ 12,  3a + 2b ≤ 18; the textbook's optimum is 36 at (2, 6).
private func textbook() throws -> LinearProgram {
  let program = try LinearProgram()
  for upper in [4.0, 12, 18] { try program.addRow(upper: upper) }
  try program.addColumn(objective: -3, entries: [(0, 1), (2, 3)])
  try program.addColumn(objective: -5, entries: [(1, 2), (2, 2)])
  return program
}

/// A knapsack of `count` things that takes some branching.
private func knapsack(_ count: Int) throws -> LinearProgram {
  let program = try LinearProgram()
  try program.addRow(upper: Double(count * 20))
  for i in 0..<count {
    let weight = 40 + (i * 37) % 41
    try program.addColumn(
      upper: 1, objective: -Double(weight + (i * 17) % 5), integer: true, entries: [(0, Double(weight))])
  }
  return program
}

@Suite("Linear programs in GLPK")
struct LinearProgramTests {
  @Test("An LP has its optimum, its values, its duals and its reduced costs")
  func linear() throws {
    let program = try textbook()
    #expect(try program.solve() == .optimal)
    #expect(try abs(program.objective - -36) < 1e-9)
    #expect(try program.values() == [2, 6])
    #expect(try program.rowValues() == [2, 12, 18])
    #expect(try program.duals() == [0, -1.5, -1])
    #expect(try program.reducedCosts() == [0, 0])
  }

  @Test("Interior duals are in the middle of the best, leave the basis alone, and are none where there is no optimum")
  func interiorDuals() throws {
    // maximize a + b  with  a + b ≤ 1  twice: all duals (−t, t − 1) are best, those of a basis are at an end.
    let program = try LinearProgram()
    for _ in 0..<2 { try program.addRow(upper: 1) }
    for _ in 0..<2 { try program.addColumn(objective: -1, entries: [(0, 1), (1, 1)]) }
    #expect(try program.solve() == .optimal)
    let ends = try program.duals()
    #expect(ends.contains(0))
    let middle = try #require(try program.interiorDuals())
    for dual in middle { #expect(abs(dual - -0.5) < 0.1) }
    #expect(abs(middle[0] + middle[1] - -1) < 1e-5)
    #expect(try program.duals() == ends)

    let impossible = try LinearProgram()
    try impossible.addRow(lower: 2)
    try impossible.addColumn(upper: 1, entries: [(0, 1)])
    #expect(try impossible.interiorDuals() == nil)
  }

  @Test("A column that is added later goes on from the present basis")
  func columnGeneration() throws {
    let program = try textbook()
    #expect(try program.solve() == .optimal)
    let before = try program.iterations
    // Its reduced cost is −2 − (−1·1) = −1: it enters.
    try program.addColumn(objective: -2, entries: [(2, 1)])
    #expect(try program.solve() == .optimal)
    #expect(try abs(program.objective - -42) < 1e-9)
    #expect(try program.iterations - before <= 3)
    try program.deleteColumns([1])
    #expect(try program.solve() == .optimal)
    #expect(try abs(program.objective - -36) < 1e-9)
  }

  @Test("A basis can be put aside and taken up again")
  func basis() throws {
    let program = try textbook()
    #expect(try program.solve() == .optimal)
    let basis = try program.basis()
    try program.resetBasis()
    try program.restore(basis)
    let before = try program.iterations
    #expect(try program.solve() == .optimal)
    #expect(try program.iterations == before)
  }

  @Test("An LP without a solution, and one without an end, are told apart")
  func statuses() throws {
    let none = try LinearProgram()
    try none.addRow(lower: 3)
    try none.addColumn(upper: 2, entries: [(0, 1)])
    #expect(try none.solve() == .infeasible)
    let endless = try LinearProgram()
    try endless.addRow(lower: 3)
    try endless.addColumn(objective: -1, entries: [(0, 1)])
    #expect(try endless.solve() == .unbounded)
    let limited = try textbook()
    #expect(try limited.solve(.init(iterationLimit: 1)) == .limit)
    #expect(try limited.isFeasible)
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    var message: String
    var call: @Sendable (LinearProgram) throws -> Void
    var testDescription: String { message }

    init(_ message: String, _ call: @escaping @Sendable (LinearProgram) throws -> Void) {
      self.message = message
      self.call = call
    }
  }

  @Test(
    "A wrong argument is an error, and the thread goes on",
    arguments: [
      Wrong("row number out of range") { try $0.setRow(3, lower: 0, upper: 1) },
      Wrong("row number out of range") { try $0.setRow(-1, lower: 0, upper: 1) },
      Wrong("column number out of range") { try $0.setObjective(.max, 1) },
      Wrong("column number out of range") { try $0.setInteger(99) },
      Wrong("invalid number of rows") { try $0.addRows(-1) },
      Wrong("row index out of range") { try $0.setColumn(0, entries: [(7, 1)]) },
      Wrong("duplicate row indices not allowed") { try $0.setColumn(0, entries: [(1, 1), (1, 2)]) },
      Wrong("duplicate") { try $0.load([(0, 0, 1), (0, 0, 2)]) },
      Wrong("row number out of range") { try $0.deleteRows([12]) },
      Wrong("duplicate column numbers not allowed") { try $0.deleteColumns([1, 1]) },
    ]
  )
  func wrongArguments(wrong: Wrong) throws {
    let program = try textbook()
    let bystander = try textbook()
    let error = #expect(throws: PlacementError.self) { try wrong.call(program) }
    #expect(error?.code == .solver)
    #expect(error?.message.contains(wrong.message) == true, "\(error?.message ?? "no error")")
    // The environment went with it, for every program of the thread…
    for lost in [program, bystander] {
      let refusal = #expect(throws: PlacementError.self) { try lost.solve() }
      #expect(refusal?.message.contains("lost") == true)
    }
    // …and the next program is as good as ever.
    let next = try textbook()
    #expect(try next.solve() == .optimal)
  }

  @Test("Branch and bound finds the best whole solution and says so")
  func integer() throws {
    let program = try knapsack(12)
    let result = try program.solveInteger()
    var best = 0
    for subset in 0..<(1 << 12) {
      let items = (0..<12).filter { subset >> $0 & 1 == 1 }
      let weights = items.map { 40 + ($0 * 37) % 41 }
      if weights.reduce(0, +) <= 240 {
        best = max(best, zip(items, weights).reduce(0) { $0 + $1.1 + ($1.0 * 17) % 5 })
      }
    }
    #expect(result.status == .optimal)
    let objective = try #require(result.objective)
    #expect(abs(objective + Double(best)) < 1e-9)
    #expect(result.bound == objective)
    #expect(result.values?.allSatisfy { $0 == 0 || $0 == 1 } == true)
  }

  @Test("With the presolver it finds the same")
  func presolved() throws {
    let plain = try knapsack(20).solveInteger()
    var options = LinearProgram.IntegerOptions()
    options.presolve = true
    let presolved = try knapsack(20).solveInteger(options)
    #expect(presolved.status == .optimal)
    #expect(presolved.objective == plain.objective)
  }

  @Test("A program without a whole solution is infeasible")
  func integerInfeasible() throws {
    let program = try LinearProgram()
    try program.addRow(lower: 1, upper: 1)
    try program.addColumn(upper: 5, integer: true, entries: [(0, 2)])
    #expect(try program.solveInteger().status == .infeasible)
  }

  @Test("A solution from outside is taken as the incumbent, and every new best solution is shown")
  func incumbents() throws {
    let best = try #require(try knapsack(30).solveInteger().values)
    let program = try knapsack(30)
    var shown: [Double] = []
    var injected = false
    var options = LinearProgram.IntegerOptions()
    options.simpleRounding = false
    let result = try program.solveInteger(options) { search in
      if search.solution != nil, let objective = search.incumbent { shown.append(objective) }
      if search.wantsSolution, !injected {
        injected = true
        search.inject = best
      }
    }
    #expect(injected)
    #expect(result.status == .optimal)
    #expect(shown.contains { $0 == result.objective })
    #expect(shown == shown.sorted(by: >))
    // Nothing better is left to find, so what is injected is what comes back.
    #expect(result.values == best)
  }

  @Test("A solution of the wrong size is left out")
  func wrongIncumbent() throws {
    let program = try knapsack(12)
    let result = try program.solveInteger { search in
      if search.wantsSolution { search.inject = [1] }
    }
    #expect(result.status == .optimal)
  }

  @Test("A search stops when its visitor says so, with a bound and its best so far")
  func stopping() throws {
    let full = try knapsack(40).solveInteger()
    var options = LinearProgram.IntegerOptions()
    options.simpleRounding = false
    let program = try knapsack(40)
    let result = try program.solveInteger(options) { if $0.nodes >= 3 { $0.stop = true } }
    let objective = try #require(full.objective)
    #expect(result.status == .stopped)
    #expect(result.nodes < full.nodes)
    #expect(result.bound <= objective + 1e-9)
    #expect(result.bound.isFinite)
  }

  @Test("An LP that takes long is abandoned when its watch says so")
  func abandoned() throws {
    // Dense and degenerate, so that it takes far longer than the time between two looks.
    let program = try LinearProgram()
    let size = 500
    try program.addRows(size)
    for row in 0..<size { try program.setRow(row, lower: -.infinity, upper: 1) }
    for column in 0..<size {
      let entries = (0..<size).map { (index: $0, value: Double(($0 * 7919 + column * 104729) % 97 + 1)) }
      try program.addColumn(objective: -Double(column % 13 + 1), entries: entries)
    }
    var asked = 0
    let status = try program.solve(.init(method: .dual)) {
      asked += 1
      return true
    }
    #expect(status == .stopped)
    #expect(asked == 1)
    #expect(throws: PlacementError.self) { try program.solve() }
    #expect(try textbook().solve() == .optimal)
  }

  @Test("A program that is destroyed while GLPK is at work is freed after the call", arguments: [false, true])
  func destroyedInCallback(stops: Bool) throws {
    // On a thread of its own, whose environment goes with the last of these programs.
    try BackgroundThread {
      let solved = try knapsackHandle()
      let callback = Destroyer(victims: [try #require(tonari_glpk_create()), solved], stops: stops)
      let bystander = try #require(tonari_glpk_create())
      var options = glp_iocp()
      glp_init_iocp(&options)
      options.msg_lev = GLP_MSG_OFF
      var result: Int32 = -1
      let context = Unmanaged.passUnretained(callback).toOpaque()
      let code = tonari_glpk_intopt(
        solved, &options,
        { context, search in
          guard let context else { return }
          let callback = Unmanaged<Destroyer>.fromOpaque(context).takeUnretainedValue()
          // Twice each: the second is for nothing.
          for victim in callback.victims + callback.victims { tonari_glpk_destroy(victim) }
          callback.livesMeanwhile = tonari_glpk_live()
          callback.refusal = tonari_glpk_add_rows(callback.victims[0], 1)
          if callback.stops { search?.pointee.stop = 1 }
        }, nil, context, &result)
      #expect(code == Int32(TONARI_GLPK_DONE))
      #expect(callback.livesMeanwhile == 3)
      #expect(callback.refusal == Int32(TONARI_GLPK_FAULT))
      // Both are gone, and the environment is as good as it was.
      #expect(tonari_glpk_live() == 1)
      #expect(tonari_glpk_add_rows(bystander, 2) == Int32(TONARI_GLPK_DONE))
      tonari_glpk_destroy(bystander)
      #expect(tonari_glpk_live() == 0)
      #expect(try textbook().solve() == .optimal)
    }.result()
  }

  @Test("A program that is destroyed in a call that faults goes with it")
  func destroyedInWatch() throws {
    try BackgroundThread {
      let solved = try knapsackHandle()
      let callback = Destroyer(victims: [solved], stops: true)
      var result: Int32 = 0
      var options = glp_smcp()
      glp_init_smcp(&options)
      options.msg_lev = GLP_MSG_ALL
      options.out_frq = 1
      options.out_dly = 0
      let code = tonari_glpk_simplex(
        solved, &options,
        { context in
          guard let context else { return 0 }
          for victim in Unmanaged<Destroyer>.fromOpaque(context).takeUnretainedValue().victims {
            tonari_glpk_destroy(victim)
          }
          return 1
        }, Unmanaged.passUnretained(callback).toOpaque(), &result)
      #expect(code == Int32(TONARI_GLPK_STOPPED))
      #expect(tonari_glpk_live() == 0)
      #expect(try textbook().solve() == .optimal)
    }.result()
  }

  @Test("Another thread than its own may not use a program")
  func foreignThread() throws {
    let program = try textbook()
    nonisolated(unsafe) let shared = program  // handed over on purpose
    let elsewhere = BackgroundThread { try shared.solve() }
    let error = #expect(throws: PlacementError.self) { try elsewhere.result() }
    #expect(error?.message.contains("another thread") == true)
    #expect(try program.solve() == .optimal)
  }

  @Test("Threads solve side by side, and a fault on one leaves the others alone")
  func sideBySide() throws {
    let threads = (0..<4).map { index in
      BackgroundThread {
        var objectives: [Double] = []
        for round in 0..<20 {
          let program = try textbook()
          if index == 0 && round % 2 == 0 {
            #expect(throws: PlacementError.self) { try program.setRow(9, lower: 0, upper: 0) }
          } else {
            #expect(try program.solve() == .optimal)
            objectives.append(try program.objective)
          }
          objectives.append(try knapsack(15).solveInteger().objective ?? 0)
        }
        return objectives
      }
    }
    let results = try threads.map { try $0.result() }
    #expect(results[1] == results[2] && results[2] == results[3])
    #expect(results[0].count == 30 && results[1].count == 40)
  }

  @Test("Nothing is left behind, whether programs end well or in a fault")
  func leaks() throws {
    let left = try BackgroundThread { () -> [Int] in
      var left: [Int] = []
      for _ in 0..<3 {
        for round in 0..<200 {
          let program = try textbook()
          _ = try program.solve()
          if round % 3 == 0 { _ = try? program.setRow(17, lower: 0, upper: 0) }
          if round % 50 == 0 { _ = try knapsack(12).solveInteger() }
        }
        left.append(Int(tonari_glpk_live()))
        left.append(Int(tonari_glpk_bytes()))
      }
      return left
    }.result()
    #expect(left == [0, 0, 0, 0, 0, 0])
  }
}

/// A thread that runs a closure at once.
private final class BackgroundThread<Value: Sendable>: Sendable {
  private let done = DispatchSemaphore(value: 0)
  nonisolated(unsafe) private var outcome: Result<Value, any Error>?  // written before `done`, read after it

  init(_ body: @escaping @Sendable () throws -> Value) {
    let thread = Thread { [self] in
      outcome = Result { try body() }
      done.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  func result() throws -> Value {
    done.wait()
    defer { done.signal() }
    guard let outcome else { throw CancellationError() }
    return try outcome.get()
  }
}

/// What a callback destroys, and what it saw.
private final class Destroyer {
  let victims: [OpaquePointer]
  let stops: Bool
  var livesMeanwhile: Int32 = 0
  var refusal: Int32 = 0

  init(victims: [OpaquePointer], stops: Bool) {
    self.victims = victims
    self.stops = stops
  }
}

/// A small integer program with an optimal basis, without an owner.
private func knapsackHandle() throws -> OpaquePointer {
  let handle = try #require(tonari_glpk_create())
  let count: Int32 = 12
  var statuses: Int32 = tonari_glpk_add_rows(handle, 1) | tonari_glpk_add_cols(handle, count)
  statuses |= tonari_glpk_row_bounds(handle, 1, -.infinity, 41.5)
  for column in 1...count {
    statuses |= tonari_glpk_col_bounds(handle, column, 0, 1)
    statuses |= tonari_glpk_col_kind(handle, column, GLP_IV)
    statuses |= tonari_glpk_objective(handle, column, -Double(column * 7 % 11 + 5))
  }
  let columns = Array(0...count)
  let weights = [0] + (1...count).map { Double($0 * 5 % 13 + 4) }
  statuses |= tonari_glpk_set_row(handle, 1, count, columns, weights)
  var options = glp_smcp()
  glp_init_smcp(&options)
  options.msg_lev = GLP_MSG_OFF
  var result: Int32 = -1
  statuses |= tonari_glpk_simplex(handle, &options, nil, nil, &result)
  try #require(statuses == 0 && result == 0)
  return handle
}
