/// The strongly connected components of a directed graph: the largest sets of vertices that lead to each other.
enum StrongComponents {
  /// Finds them in time linear in the edges (Tarjan, Depth-first search and linear graph algorithms, 1972); each comes after
  /// all that it leads to. Calls itself nowhere: a chain may be as long as there are workloads.
  static func find(count: Int, _ successors: (Int) -> [Int]) -> [[Int]] {
    var components: [[Int]] = []
    /// When each vertex was found, and the earliest that it is known to lead back to.
    var found = Array(repeating: -1, count: count)
    var earliest = Array(repeating: 0, count: count)
    var isOpen = Array(repeating: false, count: count)
    var open: [Int] = []
    var path: [(vertex: Int, successors: [Int], next: Int)] = []
    var time = 0
    func enter(_ v: Int) {
      found[v] = time
      earliest[v] = time
      time += 1
      open.append(v)
      isOpen[v] = true
      path.append((v, successors(v), 0))
    }
    for root in 0..<count where found[root] < 0 {
      enter(root)
      while let step = path.last {
        if step.next < step.successors.count {
          path[path.count - 1].next += 1
          let u = step.successors[step.next]
          if found[u] < 0 {
            enter(u)
          } else if isOpen[u] {
            earliest[step.vertex] = min(earliest[step.vertex], found[u])
          }
          continue
        }
        path.removeLast()
        let v = step.vertex
        if let above = path.last?.vertex { earliest[above] = min(earliest[above], earliest[v]) }
        guard earliest[v] == found[v], let start = open.lastIndex(of: v) else { continue }
        components.append(Array(open[start...]))
        for u in open[start...] { isOpen[u] = false }
        open.removeSubrange(start...)
      }
    }
    return components
  }
}
