import ArgumentParser
import Connections
import Fleet
import Kubernetes
import MeshController

/// Who counts requests.
struct OverflowSourceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the ingress's statistics from this Envoy; several may be given.",
      discussion: "In Prometheus' format: http://127.0.0.1:9901/stats/prometheus", valueName: "url"))
  var envoy: [String] = []

  @Option(
    help: ArgumentHelp(
      "Read them from the pods with a label.",
      discussion: "Such as istio-system/app=istio-ingressgateway:15090/stats/prometheus",
      valueName: "namespace/labels:port/path"),
    transform: PodsArgument.init
  )
  var envoyPods: PodsArgument?

  @Option(
    help: ArgumentHelp(
      "Read the counters of this selector; all of the cluster's are to be given.",
      discussion: "For policies in mode perRequest: http://127.0.0.1:8890/metrics", valueName: "url"))
  var selector: [String] = []

  @Option(
    help: ArgumentHelp(
      "Read them from the pods with a label.",
      discussion: "Such as tonari/app.kubernetes.io/component=selector:8890/metrics",
      valueName: "namespace/labels:port/path"),
    transform: PodsArgument.init
  )
  var selectorPods: PodsArgument?

  @Option(
    help: ArgumentHelp(
      "Ask this Prometheus, for policies that say so (measure.source).", valueName: "url"),
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
    help: ArgumentHelp("The bearer token, in a file that is read again as it changes.", valueName: "file"),
    completion: .file()
  )
  var prometheusTokenFile: String?

  @Option(
    help: ArgumentHelp("The authorities that vouch for it, as PEM, instead of the system's.", valueName: "file"),
    completion: .file()
  )
  var prometheusCa: String?

  func validate() throws {
    for (name, urls) in [("--envoy", envoy), ("--selector", selector)] {
      for url in urls where !url.hasPrefix("http://") && !url.hasPrefix("https://") {
        throw ValidationError("\(name): '\(url)': expected a URL such as http://127.0.0.1:9901/stats/prometheus")
      }
    }
    if prometheus == nil, prometheusTokenFile != nil || prometheusCa != nil {
      throw ValidationError("--prometheus-token-file, --prometheus-ca: expected --prometheus with them")
    }
  }

  /// The sources, by what policies call them.
  func sources(
    _ client: APIClient, interval: Duration
  ) -> [OverflowPolicy.Measure.Source: any MeasurementSource] {
    var sources: [OverflowPolicy.Measure.Source: any MeasurementSource] = [:]
    // An answer that takes longer is of no use any more.
    let timeout = max(interval, .seconds(1)) * 0.9
    if !envoy.isEmpty || envoyPods != nil {
      sources[.envoy] = IngressSource(
        MetricsTargets(urls: envoy, pods: envoyPods?.pods, client: client), timeout: timeout)
    }
    if !selector.isEmpty || selectorPods != nil {
      sources[.selector] = SelectorSource(
        MetricsTargets(urls: selector, pods: selectorPods?.pods, client: client), timeout: timeout)
    }
    if var source = prometheus {
      source.tokenFile = prometheusTokenFile
      source.authorityFile = prometheusCa
      source.timeout = timeout
      sources[.prometheus] = QuerySource(source)
    }
    return sources
  }
}

/// Pods and where they answer.
struct PodsArgument {
  var pods: MetricsTargets.Pods

  /// Reads `namespace/labels:port/path`.
  init(_ text: String) throws {
    let wrong = ValidationError("'\(text)': expected namespace/labels:port/path, such as ingress/app=envoy:9901/stats")
    guard let colon = text.lastIndex(of: ":"), let slash = text.firstIndex(of: "/"), slash < colon else { throw wrong }
    let rest = text[text.index(after: colon)...]
    let path = rest.firstIndex(of: "/").map { String(rest[$0...]) } ?? "/metrics"
    let labels = text[text.index(after: slash)..<colon]
    guard let port = UInt16(rest.prefix { $0 != "/" }), port > 0, slash > text.startIndex, !labels.isEmpty else {
      throw wrong
    }
    pods = MetricsTargets.Pods(
      namespace: String(text[..<slash]), labels: String(labels), port: Int(port), path: path)
  }
}
