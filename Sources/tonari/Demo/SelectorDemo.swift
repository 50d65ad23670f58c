import ArgumentParser
import Daemon
import Formats
import Foundation
import Hummingbird
import Logging
import Placement
import Planner
import Report
import Selection
import SelectorServer
import ServiceLifecycle
import Synchronization
import TonariClient

/// Sends requests to toy replicas through a selector and in turns.
struct SelectorDemo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "selector",
    abstract: "Show what the selector does for latency, and that requests stay on their nodes as planned.",
    discussion: """
      Starts a selector and a dozen replicas on loopback: HTTP servers of which two are three times as slow, and one \
      answers every request with 500 at once. The same requests, at random times, go to them in turns (round robin), and \
      then through the selector.

      Then each service of the plan calls the others as the traffic says, each replica from its node, so much that all \
      have about as much to do as they can; the selector decides which replica gets a call. As many calls stay on their \
      node as the plan promised, or more.

      EXAMPLES
        cd manifests/examples
        tonari plan -c cluster.yaml -t traffic.csv --out plan.yaml
        tonari demo selector -c cluster.yaml -t traffic.csv --plan plan.yaml

      \(ExitStatus.help)
      """
  )

  @OptionGroup(title: "Input") var input: InputOptions

  @Option(
    help: ArgumentHelp("The PlacementPlan that says where the replicas run.", valueName: "file"),
    completion: .file(extensions: ["yaml", "json"])
  )
  var plan: String

  @Option(help: ArgumentHelp("Requests, each way.", valueName: "number"))
  var requests = 3000

  @Option(help: ArgumentHelp("Decides what is left to chance.", valueName: "number"))
  var seed: UInt64 = 1

  /// The share of requests that must stay on their nodes at least, compared with the plan's.
  private static let tolerance = 0.02

  func validate() throws {
    if !(1...1_000_000).contains(requests) {
      throw ValidationError("--requests: expected a number from 1 to 1,000,000")
    }
  }

  func run() async throws {
    let planned = try await input.read(ProgressDisplay(.none))
    let scored = try await onWorkerThread { [plan] in
      try ScoredPlacement(InputOptions.readPlan(plan), file: plan, on: planned)
    }
    let output = Terminal.output
    let replicas = ToyService(seed: seed)
    try await replicas.withServers { addresses in
      let dispatcher = Dispatcher(DispatcherOptions(seed: seed))
      dispatcher.set(
        addresses.map { ServiceReplica(address: $0, concurrency: ToyReplica.Manner().concurrency) }, of: "toy",
        from: .file, at: .now)
      let shop = ShopPlay(scored, seed: seed)
      shop.register(in: dispatcher)
      try await LoopbackSelector(dispatcher).run { address in
        try output.write(
          """
          \(Human.grouped(requests)) requests to \(addresses.count) replicas on loopback, two of them slow and one \
          failing

          """)
        let schedule = ToyService.schedule(requests, seed: seed)
        var table = LatencyTable()
        table.add("round robin", try await replicas.send(schedule, to: addresses))
        let client = LoopbackSelector.client(of: address)
        table.add("selector", try await client.whileRunning { try await replicas.send(schedule, through: client) })
        try output.write(table.render(output.style))
        let kept = try await shop.play(selector: address)
        let promised = scored.evaluation.localizedShareNode
        try output.write(
          """

          \(Human.grouped(kept.calls)) calls between the services of the plan, through the selector
            stayed on their node \(Human.percent(kept.share)), planned \(Human.percent(promised))

          """)
        guard kept.share >= promised - Self.tolerance else {
          throw Failure(
            description: "\(Human.percent(kept.share)) of the calls stayed on their node, "
              + "expected at least the planned \(Human.percent(promised))")
        }
      }
    }
  }

  /// The demonstration did not show what it should.
  private struct Failure: Error, CustomStringConvertible { var description: String }
}
