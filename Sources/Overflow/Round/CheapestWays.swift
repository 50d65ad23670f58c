/// The cheapest flow from rows that have too much to columns that have room: successive shortest paths with potentials,
/// each found by Dijkstra's algorithm on reduced costs up to the first column with room.
///
/// Its memory is its own: whoever makes one calls ``free()``.
struct CheapestWays {
  private let rows: Int
  private let columns: Int
  // By row and column.
  private let costs: UnsafeMutablePointer<Double>
  private let flows: UnsafeMutablePointer<Double>
  // By node: the rows, then the columns.
  private let potential: UnsafeMutablePointer<Double>
  private let distance: UnsafeMutablePointer<Double>
  private let previous: UnsafeMutablePointer<Int>
  /// The nodes that are not reached for good yet come after those that are.
  private let queue: UnsafeMutablePointer<Int>
  private let rooms: UnsafeMutablePointer<Double>

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    func memory(_ count: Int) -> UnsafeMutablePointer<Double> {
      let memory = UnsafeMutablePointer<Double>.allocate(capacity: count)
      memory.initialize(repeating: 0, count: count)
      return memory
    }
    costs = memory(rows * columns)
    flows = memory(rows * columns)
    potential = memory(rows + columns)
    distance = memory(rows + columns)
    rooms = memory(columns)
    previous = .allocate(capacity: rows + columns)
    previous.initialize(repeating: -1, count: rows + columns)
    queue = .allocate(capacity: rows + columns)
    queue.initialize(repeating: 0, count: rows + columns)
  }

  func free() {
    for memory in [costs, flows, potential, distance, rooms] { memory.deallocate() }
    previous.deallocate()
    queue.deallocate()
  }

  /// Sets what a unit costs from a row to a column, at least 0.
  func set(_ cost: Double, _ row: Int, _ column: Int) {
    precondition(row < rows && column < columns, "a row and a column that there are")
    costs[row * columns + column] = cost
  }

  /// What goes from a row to a column.
  func flow(_ row: Int, _ column: Int) -> Double {
    precondition(row < rows && column < columns, "a row and a column that there are")
    return flows[row * columns + column]
  }

  /// Sends all that the rows have too much of; one of the columns has room for everything.
  func solve(_ excess: [Double], _ room: [Double]) {
    precondition(excess.count == rows && room.count == columns, "a figure for each row and column")
    for column in 0..<columns { rooms[column] = room[column] }
    var left = excess
    // The first way of each row is the cheapest there is for it, whatever the others do, as long as there is room.
    for row in 0..<rows {
      let base = row * columns
      var best = 0
      for column in 1..<columns where costs[base + column] < costs[base + best] { best = column }
      potential[row] = -costs[base + best]
      let amount = min(left[row], rooms[best])
      flows[base + best] = amount
      rooms[best] -= amount
      left[row] -= amount
    }
    for row in 0..<rows {
      while left[row] > OverflowRound.nothing { left[row] -= augment(from: row, atMost: left[row]) }
    }
  }

  /// Sends as much as goes along the cheapest way that is left, over what others have taken where they can go elsewhere.
  /// Answers how much that was.
  private func augment(from origin: Int, atMost excess: Double) -> Double {
    let nodes = rows + columns
    for node in 0..<nodes {
      distance[node] = .infinity
      queue[node] = node
    }
    distance[origin] = 0
    previous[origin] = -1
    queue[origin] = 0
    queue[0] = origin
    var done = 0
    var target = -1
    while done < nodes {
      var next = done
      for place in done..<nodes where distance[queue[place]] < distance[queue[next]] { next = place }
      let node = queue[next]
      guard distance[node] < .infinity else { return excess }
      queue[next] = queue[done]
      queue[done] = node
      done += 1
      if node >= rows, rooms[node - rows] > OverflowRound.nothing {
        target = node
        break
      }
      if node < rows { relax(row: node, from: done) } else { relax(column: node - rows, from: done) }
    }
    // All that is shed can be, so that there is always a way.
    guard target >= 0 else { return excess }
    let reached = distance[target]
    for node in 0..<nodes { potential[node] += min(distance[node], reached) }
    return push(to: target, excess)
  }

  private func relax(row: Int, from done: Int) {
    let base = distance[row] + potential[row]
    let costs = costs + row * columns
    for place in done..<(rows + columns) {
      let node = queue[place]
      guard node >= rows else { continue }
      let through = base + costs[node - rows] - potential[node]
      if through < distance[node] {
        distance[node] = max(through, distance[row])
        previous[node] = row
      }
    }
  }

  private func relax(column: Int, from done: Int) {
    let node = rows + column
    let base = distance[node] + potential[node]
    for place in done..<(rows + columns) {
      let row = queue[place]
      guard row < rows, flows[row * columns + column] > OverflowRound.nothing else { continue }
      let through = base - costs[row * columns + column] - potential[row]
      if through < distance[row] {
        distance[row] = max(through, distance[node])
        previous[row] = node
      }
    }
  }

  private func push(to target: Int, _ excess: Double) -> Double {
    var amount = min(excess, rooms[target - rows])
    var node = target
    while previous[node] >= 0 {
      let before = previous[node]
      // Against a flow no more goes back than went.
      if node < rows { amount = min(amount, flows[node * columns + before - rows]) }
      node = before
    }
    rooms[target - rows] -= amount
    node = target
    while previous[node] >= 0 {
      let before = previous[node]
      if node < rows {
        flows[node * columns + before - rows] -= amount
      } else {
        flows[before * columns + node - rows] += amount
      }
      node = before
    }
    return amount
  }
}
