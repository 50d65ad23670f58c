import Model
import Selection
import Testing

@testable import SelectorServer

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
    #expect(ServiceNames.kubernetesName(of: text)?.name == name)
  }

  @Test("Of a service with several ports a host name means the first, and a number the one that has it at the pods")
  func ports() {
    let dispatcher = Dispatcher()
    for (name, port) in [("shop/cart", 8080), ("shop/cart:grpc", 9090), ("shop/front", 80)] {
      dispatcher.set([ServiceReplica(address: "10.0.0.1:\(port)")], of: name, from: .kubernetes, at: .start)
    }
    dispatcher.set(aliases: ["shop/cart:http", "shop/cart:8080"], of: "shop/cart")
    dispatcher.set(aliases: ["shop/cart:9090"], of: "shop/cart:grpc")
    func name(_ text: String) -> String? { ServiceNames.service(text, in: dispatcher)?.name }
    #expect(name("cart.shop") == "shop/cart" && name("cart.shop:8080") == "shop/cart")
    #expect(name("shop/cart:http") == "shop/cart" && name("outbound|8080||cart.shop.svc.cluster.local") == "shop/cart")
    #expect(name("cart.shop:9090") == "shop/cart:grpc" && name("outbound|9090||cart.shop.svc") == "shop/cart:grpc")
    #expect(name("cart.shop:81") == nil, "it might be either")
    #expect(name("front.shop:81") == "shop/front", "it can only be this one")
  }

  @Test("What somebody registers takes no name of what Kubernetes names, nor is that refused for it")
  func registered() {
    let dispatcher = Dispatcher()
    dispatcher.set([ServiceReplica(address: "10.0.0.1:8080")], of: "shop/cart", from: .kubernetes, at: .start)
    func register(_ name: String) {
      dispatcher.register([ServiceReplica(address: "10.9.9.9:80")], of: name, lifetime: .seconds(10), at: .start)
    }
    func name(_ text: String) -> String? { ServiceNames.service(text, in: dispatcher)?.name }
    let texts = ["cart.shop", "cart.shop:80", "outbound|80||cart.shop.svc.cluster.local", "cart.shop:81"]
    for other in ["shop/cart:x", "shop/cart:80", "cart.shop:80", "outbound|80||cart.shop.svc.cluster.local"] {
      register(other)
      for text in texts { #expect(name(text) == "shop/cart", "\(text) beside \(other)") }
      #expect(dispatcher.service("shop/cart")?.tally.replicas == 1)
    }
    #expect(name("shop/cart:80") == "shop/cart:80", "by its own name it is found")
    // Of names that mean nothing else all that are registered are alike.
    for other in ["shop/front", "shop/front:80", "shop/front:x", "made.up:90"] { register(other) }
    #expect(name("front.shop:80") == "shop/front:80" && name("front.shop:81") == "shop/front")
    #expect(name("made.up:90") == "made.up:90")
    // Once Kubernetes names it, it is meant.
    dispatcher.set([ServiceReplica(address: "10.0.0.2:80")], of: "shop/front", from: .kubernetes, at: .start)
    #expect(name("front.shop:80") == "shop/front")
    dispatcher.set([ServiceReplica(address: "10.0.0.2:81")], of: "shop/front:80", from: .kubernetes, at: .start)
    #expect(name("front.shop:80") == "shop/front:80" && name("front.shop:81") == nil)
  }
}
