import Testing

@testable import MeshController

@Suite("What statistics call a cluster")
struct EnvoyClusterNameTests {
  /// Lines that an Envoy 1.40 wrote: of one with its default tags, and one with Istio's beside them.
  @Test(
    "Names are known by however much of them is in a label",
    arguments: [
      ("cart", "", "cart"), ("shop/cart", "", "cart.shop"),
      ("cart", "shop_svc_cluster_local", "cart.shop.svc.cluster.local"),
      ("outbound|80||cart", "shop_svc_cluster_local", "cart.shop.svc.cluster.local"),
      ("outbound|80||cart.shop.svc.cluster.local", "", "cart.shop"),
      ("outbound|80||cart", "edge_b_example", "cart.edge-b.example"),
      ("outbound|80||cart", "edge_c_example_", "cart.edge-c.example"),
      ("outbound|80||cart.shop.svc.cluster.local;", "", "cart.shop"),
      ("kube_shop_cart_80", "", "cart.shop"), ("kube_shop_cart-edge-b_15444", "", "cart-edge-b.shop"),
      ("shop_cart_80", "", "cart.shop"), ("shop/cart/80/da39a3ee5e", "", "cart.shop"),
      ("shop/cilium-gateway-ingress/shop_cart_80", "", "cart.shop"),
      ("10", "0_0_7_8080", "10.0.0.7:8080"), ("cart", "edge_b_example_8080", "cart.edge-b.example"),
      ("cart_80", "", "cart"),
    ])
  func names(label: String, cut: String, host: String) {
    let names = EnvoyClusterName.all(label: label, cut: cut[...])
    #expect(names.contains(EnvoyClusterName(DestinationName(host, in: ""))), "\(names)")
  }

  @Test(
    "What is not of a service is of none",
    arguments: [("inbound|8080||", ""), ("outbound_.80_._.cart", "shop_svc_cluster_local"), ("xds-grpc", ""), ("", "")])
  func others(label: String, cut: String) {
    let names = EnvoyClusterName.all(label: label, cut: cut[...])
    #expect(!names.contains(EnvoyClusterName(DestinationName("cart", in: "shop"))), "\(names)")
  }

  @Test("Envoy Gateway's are named for rules and destinations of a route, whatever dots are in its name")
  func rules() {
    let name = EnvoyClusterName(ofRule: 1, destination: 0, inHTTPRoute: "cart.v2", of: "shop")
    #expect(EnvoyClusterName.all(label: "httproute/shop/cart", cut: "v2_rule_1_backend_0") == [name])
    #expect(EnvoyClusterName.all(label: "httproute/shop/cart.v2/rule/1/backend/0", cut: "") == [name])
    let other = EnvoyClusterName(ofRule: 0, inHTTPRoute: "b-cart", of: "shop")
    #expect(EnvoyClusterName.all(label: "httproute/shop/b-cart/rule/0", cut: "") == [other])
    #expect(EnvoyClusterName.all(label: "httproute/shop-b/cart/rule/0", cut: "") != [other])
  }

  @Test("A name comes before what it is without what looks like a port")
  func order() {
    func name(_ host: String) -> EnvoyClusterName { EnvoyClusterName(DestinationName(host, in: "")) }
    #expect(EnvoyClusterName.all(label: "cart", cut: "team_1") == [name("cart.team-1"), name("cart.team")])
    #expect(EnvoyClusterName.all(label: "cart.team-1", cut: "") == [name("cart.team-1")])
    #expect(EnvoyClusterName.all(label: "team-1/cart", cut: "") == [name("cart.team-1")])
  }
}
