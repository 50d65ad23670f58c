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

  @Test("is the most of what is asked for, set aside and had, where a resize in place is under way", arguments: resizes)
  func resized(_ c: Case) throws {
    let pod: Pod = try decode("{metadata: {name: p}, \(c.spec)}")
    var expected = c.expected.mapValues { Quantity($0) }
    expected["pods"] = Quantity(1)
    #expect(pod.effectiveRequests.mapValues { Optional($0) } == expected)
  }

  private static func status(_ containers: String, _ more: String = "") -> String {
    "status: {phase: Running, containerStatuses: [\(containers)]\(more)}"
  }

  private static let infeasible =
    ", conditions: [{type: Ready, status: 'True', reason: Infeasible}, {type: PodResizePending, status: 'True', reason: "

  static let resizes = [
    Case(
      testDescription: "no status",
      spec: "spec: {containers: [\(container("cpu: 2"))]}", expected: ["cpu": "2"]
    ),
    Case(
      testDescription: "asked for more: that counts at once",
      spec: "spec: {containers: [\(container("cpu: 2"))]}, "
        + status("{name: c, allocatedResources: {cpu: 1}, resources: {requests: {cpu: 1}}}"),
      expected: ["cpu": "2"]
    ),
    Case(
      testDescription: "asked for less: counts when it has less",
      spec: "spec: {containers: [\(container("cpu: 1, memory: 1Gi"))]}, "
        + status("{name: c, allocatedResources: {cpu: 1, memory: 2Gi}, resources: {requests: {cpu: 3, memory: 1Gi}}}"),
      expected: ["cpu": "3", "memory": "2Gi"]
    ),
    Case(
      testDescription: "asked for what can never be had: does not count",
      spec: "spec: {containers: [\(container("cpu: 64")), {name: d, resources: {requests: {cpu: 1}}}]}, "
        + status(
          "{name: c, allocatedResources: {cpu: 1}, resources: {requests: {cpu: 2}}}", infeasible + "Infeasible}]"),
      expected: ["cpu": "3"]
    ),
    Case(
      testDescription: "asked for what may be had later: counts",
      spec: "spec: {containers: [\(container("cpu: 64"))]}, "
        + status("{name: c, allocatedResources: {cpu: 1}}", infeasible + "Deferred}]"),
      expected: ["cpu": "64"]
    ),
    Case(
      testDescription: "sidecars, too",
      spec: "spec: {initContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 1}}}], "
        + "containers: [\(container("cpu: 1"))]}, "
        + "status: {initContainerStatuses: [{name: s, allocatedResources: {cpu: 2}}]}",
      expected: ["cpu": "3"]
    ),
    Case(
      testDescription: "the pod as a whole, whose figures have the overhead in them",
      spec: "spec: {containers: [\(container("cpu: 1"))], resources: {requests: {cpu: 2}}, overhead: {cpu: 500m}}, "
        + "status: {allocatedResources: {cpu: 3500m}, resources: {requests: {cpu: 2500m}}}",
      expected: ["cpu": "3500m"]
    ),
  ]

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
