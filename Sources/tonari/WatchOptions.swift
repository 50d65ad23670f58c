import ArgumentParser
import Model
import Planner

/// How a plan is kept up to date.
struct WatchOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Keep the cluster's PlacementPlan object of the plan's name up to date, until it is stopped.",
      discussion: "Several processes may do so: one leads, the others take over when it goes."
    )
  )
  var watch = false

  @Option(
    help: ArgumentHelp("The time between two questions to Prometheus. (default: 60s)", valueName: "duration"),
    transform: Duration.argument
  )
  var interval: Duration?

  @Option(
    help: ArgumentHelp(
      "Plan anew when so much of the traffic is between others than when the plan was made, from 0 to 1.",
      valueName: "share")
  )
  var trafficChange = PlanPacing.Settings().trafficThreshold

  @Option(
    help: ArgumentHelp("Replace a plan only by one whose objective is better by this share.", valueName: "share")
  )
  var minGain = 0.01

  @Option(
    help: ArgumentHelp("Wait so long after a change, in which more may change. (default: 5s)", valueName: "duration"),
    transform: Duration.argument
  )
  var settle: Duration?

  @Option(
    help: ArgumentHelp("Plan no more often than this. (default: 60s)", valueName: "duration"),
    transform: Duration.argument
  )
  var minInterval: Duration?

  @Option(
    help: ArgumentHelp("Plan anew after this time, whatever has changed. (default: 1h)", valueName: "duration"),
    transform: Duration.argument
  )
  var maxAge: Duration?

  @Option(
    help: ArgumentHelp(
      "Where to answer for health and metrics; port 0 is any that is free. (default: 127.0.0.1:8889)",
      valueName: "host:port"),
    transform: ListenAddress.init
  )
  var listen = ListenAddress(host: "127.0.0.1", port: 8889)

  @Option(
    help: ArgumentHelp(
      "The lease that says who leads.",
      discussion: "Without a namespace it is in that of the kubeconfig's context, or of the pod.",
      valueName: "namespace/name")
  )
  var lease = "tonari-planner"

  @Option(help: ArgumentHelp("Who this process is in the election. (default: made up)", valueName: "name"))
  var identity: String?

  @OptionGroup var ending: DaemonOptions
  @OptionGroup var log: LogOptions

  func validate() throws {
    for (name, value) in [("--traffic-change", trafficChange), ("--min-gain", minGain)] {
      guard value >= 0, value <= 1 else { throw ValidationError("\(name): expected a number from 0 to 1") }
    }
    let parts = lease.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count > 2 || parts.contains("") { throw ValidationError("--lease: '\(lease)': expected namespace/name") }
    if identity == "" { throw ValidationError("--identity: expected a name") }
  }

  /// When to plan anew.
  var pacing: PlanPacing.Settings {
    var settings = PlanPacing.Settings()
    if let settle { settings.settling = settle }
    if let minInterval { settings.minimumInterval = minInterval }
    if let maxAge { settings.maximumAge = maxAge }
    settings.trafficThreshold = trafficChange
    return settings
  }

  /// The lease, in a namespace where it names none.
  func lease(in namespace: String) -> ObjectKey {
    let parts = lease.split(separator: "/").map(String.init)
    return parts.count == 2
      ? ObjectKey(namespace: parts[0], name: parts[1]) : ObjectKey(namespace: namespace, name: lease)
  }
}
