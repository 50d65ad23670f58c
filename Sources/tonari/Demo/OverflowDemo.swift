import ArgumentParser
import Foundation
import Report

/// Sends a rush to a small edge, beside another one.
struct OverflowDemo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "overflow",
    abstract: "Show a rush at an edge that overflows to the edge next door, and comes back.",
    discussion: """
      Starts two edges on loopback, each with three replicas that work on one request at a time, and sends the first one \
      a rush: more and more requests until it gets twice what its policy lets in, and then fewer again. The same rush goes \
      to a third edge that has no neighbour.

      A selector decides about each request. What the edge bears stays; the rest, from the first request that is too many \
      on, goes next door.

      EXAMPLES
        tonari demo overflow
        tonari demo overflow --seconds 30 --report overflow.html

      \(ExitStatus.help)
      """
  )

  @Option(help: ArgumentHelp("How long the rush takes.", valueName: "number"))
  var seconds = 12.0

  @Option(
    help: ArgumentHelp("Draw it into a self-contained HTML page, too.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var report: String?

  @Option(help: ArgumentHelp("Decides what is left to chance.", valueName: "number"))
  var seed: UInt64 = 1

  func validate() throws {
    if !(2...600).contains(seconds) { throw ValidationError("--seconds: expected a number from 2 to 600") }
  }

  func run() async throws {
    let page = report.map(OutputFile.init(path:))
    try page?.check()
    let output = Terminal.output
    let rush = ToyRush(seconds: seconds, seed: seed)
    try output.write(
      """
      A rush of \(Human.grouped(rush.due.count)) requests at an edge on loopback that bears \
      \(Human.number(ToyRush.capacity)) a minute, another like it next door

      """)
    let (alone, beside) = try await rush.play()
    try output.write("\n" + OverflowStrip(beside.series).text(output.style) + "\n")
    var table = LatencyTable()
    table.add("by itself", alone.outcome)
    table.add("overflowing", beside.outcome)
    try output.write(table.render(output.style))
    try output.write("\n  \(Human.percent(beside.shareOut)) of the requests were served next door\n")
    try page?.write(
      OverflowReport(
        title: "A rush at an edge",
        abstract: "The same requests, at an edge by itself and at one that overflows to the edge next door.",
        series: [beside.series, alone.series]
      ).html())
    guard beside.overflowed, beside.cameBack else {
      throw Failure(description: "the requests did not overflow and come back: \(beside.series.points)")
    }
  }

  /// The demonstration did not show what it should.
  private struct Failure: Error, CustomStringConvertible { var description: String }
}
