import Model

extension PlacementModel {
  /// When to end a search before it is done.
  struct Limits {
    /// Most subproblems of branch and bound. What is found then depends on nothing else.
    var nodes: Int?
    /// Longest time.
    var time: Duration?
  }

  /// What a search came to.
  struct Outcome {
    /// The best placement found, of the whole problem; nil for none.
    var assignment: Assignment?
    /// No placement has an objective below. For a model of some nodes: none that leaves the others as they are.
    var lowerBound: Double
    /// Whether the placement is proven to be the best of the model.
    var isOptimal = false
    /// Whether it is proven that there is no placement.
    var isInfeasible = false
    /// Subproblems of branch and bound.
    var nodes = 0
  }

  /// Searches by branch and bound in GLPK, on this thread.
  ///
  /// - Parameters:
  ///   - suggestion: asked at each step for a placement that is better than the search's best, whose objective it is
  ///     given; nil for none.
  ///   - onImprovement: hears of each better placement that the search itself finds, which satisfies all constraints.
  ///   - onBound: hears of better bounds.
  ///   - onStep: hears of every step, with the number of subproblems so far.
  ///   - shouldStop: whether to end the search now.
  func solve(
    _ limits: Limits = Limits(),
    suggestion: @escaping (Double?) -> Assignment? = { _ in nil },
    onImprovement: @escaping (Assignment) -> Void = { _ in },
    onBound: @escaping (Double) -> Void = { _ in },
    onStep: @escaping (Int) -> Void = { _ in },
    shouldStop: @escaping () -> Bool = { false }
  ) throws(PlacementError) -> Outcome {
    guard !formulation.isContradictory else { return Outcome(lowerBound: .infinity, isInfeasible: true) }
    let greatest = formulation.cost.reduce(0) { max($0, abs($1)) }
    let scale = greatest > 0 ? 1000 / greatest : 1
    func unscaled(_ objective: Double) -> Double { objective / scale + formulation.constant }

    var best: (assignment: Assignment, objective: Double)?
    var bound = -Double.infinity
    func keep(_ values: [Double]) -> Bool {
      let objective = formulation.objective(values)
      guard objective < best?.objective ?? .infinity else { return false }
      let assignment = assignment(values)
      guard isExact(assignment) else { return false }
      best = (assignment, objective)
      return true
    }

    var options = search
    options.timeLimit = limits.time
    let program = try formulation.makeProgram(scale: scale)
    let result = try program.solveInteger(options) { search in
      onStep(search.nodes)
      if let solution = search.solution, keep(solution), let best { onImprovement(best.assignment) }
      let newBound = unscaled(search.bound)
      if newBound > bound {
        bound = newBound
        onBound(bound)
      }
      if search.wantsSolution, let suggested = suggestion(search.incumbent.map(unscaled)) {
        let values = values(suggested)
        if formulation.isSatisfied(by: values), keep(values) { search.inject = values }
      }
      search.stop = shouldStop() || search.nodes > limits.nodes ?? .max
    } shouldStop: {
      shouldStop()
    }

    if result.status == .infeasible { return Outcome(lowerBound: .infinity, isInfeasible: true, nodes: result.nodes) }
    if let solution = result.values, keep(solution), let best { onImprovement(best.assignment) }
    var outcome = Outcome(assignment: best?.assignment, lowerBound: unscaled(result.bound), nodes: result.nodes)
    if result.status == .optimal, let best {
      // GLPK takes a row as satisfied within a tolerance. Where its best solution is refused for that, the objective is
      // still a bound.
      outcome.isOptimal = best.objective <= outcome.lowerBound + 1e-6 * max(1, abs(outcome.lowerBound))
      if outcome.isOptimal { outcome.lowerBound = best.objective }
    }
    return outcome
  }

  /// Values of all columns for a placement, with like nodes put in order.
  func values(_ assignment: Assignment) -> [Double] {
    let ordered = order.ordered(assignment, workloads: workloads, nodeCount: problem.nodes.count)
    var values = Array(repeating: 0.0, count: formulation.columnCount)
    for w in workloads {
      for place in ordered.placed[w] {
        if let column = column(workload: w, node: place.node) { values[column] = Double(place.replicas) }
      }
    }
    formulation.complete(&values)
    return values
  }

  /// The placement of the whole problem that values of columns stand for.
  func assignment(_ values: [Double]) -> Assignment {
    var placed = fixed
    for (i, w) in workloads.enumerated() {
      for (j, n) in nodes.enumerated() {
        let column = columns[i * nodes.count + j]
        guard column >= 0 else { continue }
        let replicas = Int(saturating: values[column].rounded())
        if replicas > 0 { placed[w].append(Problem.Placed(node: n, replicas: replicas)) }
      }
      placed[w].sort { $0.node < $1.node }
    }
    return Assignment(placed: placed)
  }

  /// Whether no node on which replicas start is over its capacity, in whole numbers.
  private func isExact(_ assignment: Assignment) -> Bool {
    let resources = problem.resources.count
    var load = Array(repeating: Int64(0), count: nodes.count * resources)
    var takes = Array(repeating: false, count: nodes.count * resources)
    for w in workloads {
      for place in assignment.placed[w] where self.place[place.node] >= 0 {
        let starts = place.replicas > staying.count(w, on: place.node)
        for k in 0..<resources where problem.requests[w * resources + k] > 0 {
          let i = self.place[place.node] * resources + k
          load[i] += Int64(place.replicas) * problem.requests[w * resources + k]
          takes[i] = takes[i] || starts
        }
      }
    }
    return load.indices.allSatisfy {
      !takes[$0] || load[$0] <= problem.capacity(node: nodes[$0 / resources], resource: $0 % resources)
    }
  }
}

extension Problem {
  /// Places what `nodes` hold anew on these nodes, everything else staying where it is.
  ///
  /// - Parameter nodeLimit: most subproblems of branch and bound; the answer depends on nothing else but `shouldStop`.
  /// - Returns: a placement with a lower objective, nil where none was found.
  func improved(
    _ assignment: Assignment, on nodes: [Int], nodeLimit: Int, shouldStop: @escaping () -> Bool = { false }
  ) throws(PlacementError) -> Assignment? {
    let model = PlacementModel(self, nodes: nodes, of: assignment)
    let before = model.formulation.objective(model.values(assignment))
    var suggested = false
    let outcome = try model.solve(PlacementModel.Limits(nodes: nodeLimit)) { _ in
      defer { suggested = true }
      return suggested ? nil : assignment
    } shouldStop: {
      shouldStop()
    }
    guard let found = outcome.assignment else { return nil }
    let after = model.formulation.objective(model.values(found))
    return after < before - 1e-9 * max(1, abs(before)) ? found : nil
  }
}
