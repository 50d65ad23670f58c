extension MetricsRegistry {
  /// Shows how much of a budget is taken, and how often there was no more.
  package func watch(_ budget: Budget, of daemon: String) {
    let prefix = "tonari_\(daemon)_\(budget.name)"
    collect {
      var held = CollectedMetric(prefix, .gauge, "What is held of its budget, \(budget.total) in all.")
      held.add(budget.held)
      var refused = CollectedMetric("\(prefix)_refused_total", .counter, "How often the budget had no more.")
      refused.add(budget.refused)
      return [held, refused]
    }
  }

  /// Shows how many connections a listener has, and which had to go.
  package func watch(_ ledger: ConnectionLedger, of daemon: String, listener: String) {
    let prefix = "tonari_\(daemon)_\(listener)_connections"
    collect {
      var count = CollectedMetric(prefix, .gauge, "Connections that are open, \(ledger.limits.total) at most.")
      count.add(ledger.count)
      var closed = CollectedMetric(
        "\(prefix)_overload_total", .counter, "Connections that had to go, by whether they made room or found none.")
      closed.add(ledger.evicted, [("reason", "evicted")])
      closed.add(ledger.refused, [("reason", "refused")])
      return [count, closed]
    }
  }
}
