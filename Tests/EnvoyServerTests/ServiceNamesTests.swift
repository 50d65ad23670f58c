import Testing

@testable import EnvoyServer

@Suite("Names of services")
struct ServiceNamesTests {
  @Test(
    "Istio's clusters and host names stand for a namespace and a name",
    arguments: [
      ("outbound|8080|v1|cart.shop.svc.cluster.local", "shop/cart"),
      ("outbound|9002||cart.shop.svc.cluster.local", "shop/cart"), ("outbound|9002||cart", "default/cart"),
      ("outbound_.8080_.v1_.cart.shop.svc.cluster.local", "shop/cart"),
      ("cart.shop.svc.cluster.local:8080", "shop/cart"),
      ("cart.shop.svc", "shop/cart"), ("cart.shop", "shop/cart"), ("cart:80", "default/cart"), ("cart", "default/cart"),
      ("outbound|8080|cart", nil), ("www.example.com", nil), ("cart.", nil), (".shop", nil), ("", nil), (":80", nil),
      ("cart:port", nil), ("a/b", nil), ("[::1]:80", nil),
    ] as [(String, String?)])
  func names(_ text: String, _ name: String?) {
    #expect(ServiceNames.kubernetesName(of: text) == name)
  }
}
