import Testing

@testable import Kubernetes

@Suite("What a pod takes up")
struct PodRequestsTests {
  struct Case: CustomTestStringConvertible {
    var testDescription: String
    var spec: String
    var expected: [String: String]
  }

  @Test("is counted as the scheduler counts it", arguments: cases)
  func counts(_ c: Case) throws {
    let spec: PodSpec = try decode(c.spec)
    var expected = c.expected.mapValues { Quantity($0) }
    expected["pods"] = Quantity(1)
    #expect(spec.effectiveRequests.mapValues { Optional($0) } == expected)
  }

  static func container(_ requests: String, _ rest: String = "") -> String {
    "{name: c, resources: {requests: {\(requests)}}\(rest)}"
  }

  static func sidecar(_ requests: String) -> String { container(requests, ", restartPolicy: Always") }

  static let cases = [
    Case(testDescription: "nothing", spec: "{}", expected: [:]),
    Case(
      testDescription: "containers add up",
      spec: "containers: [\(container("cpu: 250m, memory: 64Mi")), \(container("cpu: 250m, memory: 64Mi"))]",
      expected: ["cpu": "500m", "memory": "128Mi"]
    ),
    Case(
      testDescription: "the largest init container counts where it is above the containers",
      spec: """
        initContainers: [\(container("cpu: 2, memory: 1G")), \(container("cpu: 2, memory: 3G"))]
        containers: [\(container("cpu: 2, memory: 1G")), \(container("cpu: 1, memory: 1G"))]
        """,
      expected: ["cpu": "3", "memory": "3G"]
    ),
    Case(
      testDescription: "sidecars add to the containers (KEP-753)",
      spec: "initContainers: [\(sidecar("cpu: 2"))]\ncontainers: [\(container("cpu: 1"))]",
      expected: ["cpu": "3"]
    ),
    Case(
      testDescription: "an init container runs beside the sidecars before it",
      spec: "initContainers: [\(sidecar("cpu: 2")), \(container("cpu: 5"))]\ncontainers: [\(container("cpu: 1"))]",
      expected: ["cpu": "7"]
    ),
    Case(
      testDescription: "and not beside those after it",
      spec: "initContainers: [\(container("cpu: 5")), \(sidecar("cpu: 2"))]\ncontainers: [\(container("cpu: 1"))]",
      expected: ["cpu": "5"]
    ),
    Case(
      testDescription: "in order",
      spec: """
        initContainers:
        - \(container("cpu: 5"))
        - \(sidecar("cpu: 1"))
        - \(container("cpu: 5"))
        - \(sidecar("cpu: 2"))
        - \(container("cpu: 3"))
        containers: [\(container("cpu: 1"))]
        """,
      expected: ["cpu": "6"]
    ),
    Case(
      testDescription: "overhead comes on top",
      spec: """
        initContainers: [\(container("cpu: 2"))]
        containers: [\(container("cpu: 1, memory: 1Gi"))]
        overhead: {cpu: 250m, memory: 120Mi}
        """,
      expected: ["cpu": "2250m", "memory": "1144Mi"]
    ),
    Case(
      testDescription: "limits stand in for requests that are missing",
      spec:
        "containers: [{resources: {limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 1}}}, {resources: {limits: {x/gpu: 1}}}]",
      expected: ["cpu": "1", "memory": "1Gi", "x/gpu": "1"]
    ),
    Case(
      testDescription: "requests of the pod as a whole replace the sum (KEP-2837)",
      spec: """
        containers: [\(container("cpu: 1, memory: 1Gi, x/gpu: 1"))]
        resources: {requests: {cpu: 3, x/gpu: 5}, limits: {memory: 8Gi, hugepages-2Mi: 4Mi}}
        overhead: {cpu: 1}
        """,
      expected: ["cpu": "4", "memory": "1Gi", "x/gpu": "1", "hugepages-2Mi": "4Mi"]
    ),
  ]
}
