import ArgumentParser

/// Sends what is too much for a cluster next door.
struct OverflowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "overflow",
    abstract: "Send requests that are too many for a cluster to its neighbours.",
    discussion: """
      Follows the OverflowPolicy objects of a cluster, and writes the weights of their routes (Istio's VirtualService or \
      the Gateway API's HTTPRoute) as long as it runs; 'tonari overflow status' shows what becomes of the requests, and \
      'tonari overflow plan' says in advance what a set of clusters can bear.

      EXAMPLES
        tonari overflow --in-cluster --cluster edge-a --envoy-pods istio-system/app=istio-ingressgateway:15090/stats/prometheus
        tonari overflow --kubeconfig ~/.kube/config --envoy http://127.0.0.1:9901/stats/prometheus
        tonari overflow status --kubeconfig ~/.kube/config
        tonari overflow status --address http://127.0.0.1:8891 --report overflow.html

      \(ExitStatus.help)
      """,
    subcommands: [OverflowRunCommand.self, OverflowStatusCommand.self, OverflowPlanCommand.self],
    defaultSubcommand: OverflowRunCommand.self
  )
}
