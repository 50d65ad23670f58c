import Model
import Selection

@testable import SelectorServer

extension Fuzzer {
  /// A file of services and their replicas. What is read is good for a selector.
  static let replicaFile = Fuzzer(
    "replica-file",
    words: yamlWords + [
      "services:", "- name: shop/cart", "replicas:", "address: ", "weight: ", "concurrency: ", "labels: [",
      "state: draining",
      "1e6", "1e-6",
    ],
    seeds: texts(
      """
      services:
      - name: shop/cart
        replicas:
        - {address: "10.0.0.1:80", node: n, zone: z, cluster: c, weight: 2.5, concurrency: 8, labels: [version=1]}
        - {address: "[fd00::1]:80", state: draining, weight: 1e6}
      - {name: shop/basket, replicas: []}
      """)
  ) { bytes in
    guard let services = try? ReplicaFile.services(String(decoding: bytes, as: UTF8.self), file: "input") else {
      return
    }
    let dispatcher = Dispatcher()
    dispatcher.set(services, from: .file, at: .start)
    try exercise(dispatcher, at: .start)
  }
}
