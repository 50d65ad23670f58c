/// What a series measures, and who says so.
struct PrometheusSeries: Sendable {
  /// What tells the series from others, whichever dump and whichever replica of Prometheus it is from.
  var identity: UInt64
  /// What tells which of several equal Prometheus servers has it; 0 where the labels do not say.
  var replica: UInt64
  /// What it is of; of a message, both parts of its way.
  var keys: [ReporterTable.Key]
  var reporter: String?
  /// The Service that was asked for, where that is known.
  var service: String?
}
