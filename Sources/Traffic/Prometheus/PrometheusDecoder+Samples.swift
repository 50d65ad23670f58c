extension PrometheusDecoder {
  /// Hands on all samples of a series.
  static func eachSample(
    _ cursor: inout JSONCursor, _ take: ((time: Double, value: Double)) -> Void
  ) throws(TrafficError) {
    var last = -Double.infinity
    try cursor.beginArray()
    while try cursor.nextElement() {
      let sample = try readSample(&cursor, after: last)
      last = sample.time
      take(sample)
    }
  }

  /// Reads `[time, "value"]`.
  static func readSample(
    _ cursor: inout JSONCursor,
    after last: Double = -.infinity
  ) throws(TrafficError) -> (time: Double, value: Double) {
    let start = cursor
    try cursor.beginArray()
    guard try cursor.nextElement() else {
      throw start.error(.unexpected, "found an empty sample, expected time and value")
    }
    let time = try cursor.numberOrText()
    guard time.isFinite, time > last else { throw start.error(.unexpected, "found times that do not rise") }
    guard try cursor.nextElement() else { throw start.error(.unexpected, "found a sample without a value") }
    let value = try cursor.numberOrText()
    guard try !cursor.nextElement() else {
      throw start.error(.unexpected, "found a sample of more than two elements, expected time and value")
    }
    return (time, value)
  }
}
