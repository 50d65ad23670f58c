import ArgumentParser
import Connections

/// A Prometheus that is asked who talks to whom.
struct PrometheusOptions: ParsableArguments {
  /// Whose metrics are asked for.
  enum Metrics: String, CaseIterable, ExpressibleByArgument {
    case auto, istio, serviceGraph = "service-graph"
  }

  @Option(
    help: ArgumentHelp(
      "Ask this Prometheus who talks to whom.",
      discussion: "Or what speaks its API, such as Thanos, Mimir or VictoriaMetrics: http://prometheus.monitoring:9090",
      valueName: "url"
    ),
    transform: { text in
      do {
        return try PrometheusSource(text)
      } catch {
        throw ValidationError("\(error)")
      }
    }
  )
  var prometheus: PrometheusSource?

  @Option(
    help: ArgumentHelp(
      "Whose metrics to ask for: Istio's, those of OpenTelemetry's service graph, or whichever there are.")
  )
  var prometheusMetrics: Metrics = .auto

  @Option(
    help: ArgumentHelp(
      "Ask this instead, in PromQL; several add up.",
      discussion: """
        Rates by the ends of the traffic, with the labels of Istio or of the service graph: \
        'sum by (source_workload, …) (rate(istio_requests_total[5m]))'
        """,
      valueName: "query"
    )
  )
  var prometheusQuery: [String] = []

  @Option(
    help: ArgumentHelp("The time over which rates are taken. (default: 5m)", valueName: "duration"),
    transform: Duration.argument
  )
  var prometheusWindow: Duration?

  @Option(
    help: ArgumentHelp("The bearer token, in a file that is read again as it changes.", valueName: "file"),
    completion: .file()
  )
  var prometheusTokenFile: String?

  @Option(
    help: ArgumentHelp("The authorities that vouch for it, as PEM, instead of the system's.", valueName: "file"),
    completion: .file()
  )
  var prometheusCa: String?

  @Option(
    help: ArgumentHelp("How long an answer may take. (default: 30s)", valueName: "duration"),
    transform: Duration.argument
  )
  var prometheusTimeout: Duration?

  /// Where to ask, and what; nil for nowhere.
  var source: PrometheusSource? {
    guard var source = prometheus else { return nil }
    source.metrics =
      switch prometheusMetrics {
      case .auto: .automatic
      case .istio: .istio
      case .serviceGraph: .serviceGraph
      }
    if !prometheusQuery.isEmpty { source.metrics = .queries(prometheusQuery.map { PrometheusQuery($0) }) }
    if let prometheusWindow { source.window = prometheusWindow }
    if let prometheusTimeout { source.timeout = prometheusTimeout }
    source.tokenFile = prometheusTokenFile
    source.authorityFile = prometheusCa
    return source
  }

  func validate() throws {
    if prometheus == nil, !prometheusQuery.isEmpty || prometheusTokenFile != nil || prometheusCa != nil {
      throw ValidationError(
        "--prometheus-query, --prometheus-token-file, --prometheus-ca: expected --prometheus with them")
    }
    if prometheusMetrics != .auto, !prometheusQuery.isEmpty {
      throw ValidationError("--prometheus-metrics and --prometheus-query: expected one of them")
    }
  }
}
