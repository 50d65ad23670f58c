// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// Where libFuzzer is, in a build of Tests/Fuzz that looks for new inputs: our own modules, Swift and C, then say which
/// branches an input takes. See Tests/Fuzz/README.md.
let libFuzzer = Context.environment["TONARI_FUZZ"]

let settings: [SwiftSetting] =
  [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (libFuzzer == nil ? [] : [.unsafeFlags(["-sanitize=fuzzer"])])
let cSettings: [CSetting] =
  libFuzzer == nil
  ? []
  : [.unsafeFlags(["-fsanitize=fuzzer-no-link,undefined", "-fno-sanitize-recover=undefined"])]

/// A module of the house: a folder in `Sources/` and one in `Tests/`.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name + "Tests",
    dependencies: [.byName(name: name)] + dependencies,
    exclude: exclude,
    resources: resources,
    swiftSettings: settings
  )
}

/// Programs that measure hot paths; see benchmarks/README.md. They are declared only when asked for, so that a build of
/// the product neither compiles them nor needs their folder.
let benchmarks: [Target] = [
  .executableTarget(
    name: "extender-benchmark",
    dependencies: [
      "Extender", "Planning", "Kubernetes", "Topology",
      .product(name: "NIOCore", package: "swift-nio"),
    ],
    path: "benchmarks/Extender", swiftSettings: settings),
  .executableTarget(
    name: "dispatching-benchmark", dependencies: ["Dispatching", "Overflow", "Selection"],
    path: "benchmarks/Dispatching",
    swiftSettings: settings),
  .executableTarget(
    name: "selection-benchmark", dependencies: ["Selection", "AllocationCounter"], path: "benchmarks/Selection",
    swiftSettings: settings),
  .executableTarget(
    name: "selector-benchmark",
    dependencies: ["SelectorServer", "Dispatching", "Selection"],
    path: "benchmarks/Selector", exclude: ["client.c", "echo.c", "framed.py"], swiftSettings: settings),
  .executableTarget(
    name: "overflow-benchmark", dependencies: ["Overflow", "OverflowPlanning", "Selection", "Topology"],
    path: "benchmarks/Overflow", swiftSettings: settings),
  .executableTarget(
    name: "selector-grpc-benchmark",
    dependencies: [
      "Dispatching", "Selection", "SelectorProtocol", "SelectorServer",
      .product(name: "GRPCCore", package: "grpc-swift-2"),
      .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
      .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
    ],
    path: "benchmarks/SelectorGRPC", exclude: ["grpc_server.py", "unary.py"], swiftSettings: settings),
]

/// The decoders that are fuzzed, and what they are made of. In a usual build they are tests, which send saved inputs and
/// seeded changes of them; with libFuzzer they are a program that looks for inputs that go new ways.
let fuzzDependencies: [Target.Dependency] = [
  "CProtobufC", "CTonariClient", "Dispatching", "EnvoyProtocol", "EnvoyServer", "Extender", "Files", "Kubernetes",
  "LiveInput", "Monitoring", "Overflow", "OverflowController", "OverflowPlanning", "OverflowPolicies", "Planning",
  "Selection", "SelectorIntake", "SelectorProtocol", "SelectorProtocolTestSupport", "SelectorServer", "Simulation",
  "TonariClient", "Topology", "Traffic",
  .product(name: "GRPCCore", package: "grpc-swift-2"),
  .product(name: "Logging", package: "swift-log"),
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOEmbedded", package: "swift-nio"),
  .product(name: "SwiftProtobuf", package: "swift-protobuf"),
]
let fuzz: Target =
  if let libFuzzer {
    .executableTarget(
      name: "fuzz", dependencies: fuzzDependencies, path: "Tests/Fuzz",
      exclude: ["Corpus", "README.md", "Replay", "environment", "run"], swiftSettings: settings,
      linkerSettings: [.unsafeFlags([libFuzzer]), .linkedLibrary("stdc++")])
  } else {
    .testTarget(
      name: "FuzzTests", dependencies: fuzzDependencies + ["tonari"], path: "Tests/Fuzz",
      exclude: ["Corpus", "Explore", "README.md", "environment", "run"], swiftSettings: settings)
  }

let package = Package(
  name: "tonari",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "tonari", targets: ["tonari"]),
    .library(name: "TonariClient", targets: ["TonariClient"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.18.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.27.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.0"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.0"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.0"),
    // Without its default traits: they bring a configuration library that nothing here reads.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.10.0", traits: []),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
  ],
  targets: [
    // The command line.
    .executableTarget(
      name: "tonari",
      dependencies: [
        "ClusterHeadroom", "Extender", "PlanController", "OverflowController", "OverflowPolicies", "LiveInput",
        "Monitoring", "Planning", "Report", "Simulation", "Certificates", "EnvoyServer", "Files", "Kubernetes",
        "Messaging", "Placement", "Traffic", "Topology", "SelectorServer", "SelectorIntake", "SelectorProtocol",
        "TonariClient", "Dispatching", "Overflow", "OverflowPlanning",
        "NodeDriver", "Selection", "Sockets",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings
    ),

    // I/O and presentation.
    .target(
      name: "Report",
      dependencies: [
        "Placement", "Topology", .product(name: "HeapModule", package: "swift-collections"),
      ],
      resources: [
        .embedInCode("Overflow/overflow.css"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js"),
      ],
      swiftSettings: settings
    ),
    module(
      "Extender",
      [
        "LiveInput", "Monitoring", "Planning", "Certificates", "Files", "Kubernetes", "Placement", "Traffic",
        "Topology",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),
    module(
      "PlanController",
      [
        "LiveInput", "Monitoring", "Planning", "Files", "Kubernetes", "Placement", "Traffic", "Topology",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),
    module(
      "LiveInput",
      [
        "Monitoring", "Planning", "Files", "Kubernetes", "Topology", "Traffic",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
      ]
    ),
    module(
      "Monitoring",
      [
        "Topology",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOExtras", package: "swift-nio-extras"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]
    ),
    module(
      "ClusterHeadroom",
      [
        "Dispatching", "Kubernetes", "Messaging", "Monitoring", "Overflow", "OverflowPolicies", "Selection",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),
    module(
      "OverflowController",
      [
        "ClusterHeadroom", "Dispatching", "Files", "Kubernetes", "LiveInput", "Messaging", "Monitoring", "Overflow",
        "OverflowPolicies", "Report",
        "Selection", "Topology",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),
    module("OverflowPolicies", ["Files", "Kubernetes", "Overflow", "Topology"]),
    module(
      "Messaging",
      [
        "CMosquitto", "Files", "Monitoring", "Topology",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),
    module("Planning", ["Files", "Kubernetes", "Placement", "Traffic", "Topology", "Yams"]),
    module("Files", ["CZlib", "Yams"]),
    module(
      "Certificates",
      [
        "Files",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),
    module(
      "Kubernetes",
      [
        "Topology", "Yams", "CCurl",
        .product(name: "HashTreeCollections", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ]
    ),

    // The replica selector.
    module(
      "EnvoyServer",
      [
        "Certificates", "CNGHTTP2", "Dispatching", "EnvoyProtocol", "Monitoring", "Selection", "SelectorProtocol",
        "SelectorServer", "Sockets", "Topology",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOExtras", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]
    ),
    module(
      "SelectorIntake",
      [
        "ClusterHeadroom", "Dispatching", "EnvoyProtocol", "EnvoyServer", "LiveInput", "Messaging", "Monitoring",
        "Overflow", "OverflowPolicies", "Selection", "SelectorServer", "Kubernetes", "Files", "Topology",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]
    ),
    module(
      "Dispatching",
      [
        "Overflow", "Selection", "SelectorProtocol", "Topology",
        .product(name: "HashTreeCollections", package: "swift-collections"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    module(
      "SelectorServer",
      [
        "CEpoll", "Certificates", "CProtobufC", "Dispatching", "Monitoring", "Selection", "SelectorProtocol",
        "Sockets", "Topology",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "SwiftASN1", package: "swift-asn1"),
        .product(name: "X509", package: "swift-certificates"),
      ]
    ),
    module(
      "TonariClient",
      [
        "SelectorProtocol",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]
    ),
    .target(
      name: "EnvoyProtocol",
      dependencies: [
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
      ],
      exclude: ["envoy", "generate", "google", "xds"],
      swiftSettings: settings
    ),
    .target(
      name: "SelectorProtocol",
      dependencies: [
        "CProtobufC",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
      ],
      exclude: ["examples", "generate", "grpc", "tonari"],
      swiftSettings: settings
    ),

    module(
      "Sockets",
      [
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]
    ),

    // The volume driver of a node.
    module(
      "NodeDriver",
      [
        "CMount", "Dispatching", "Files", "Monitoring", "NodeProtocol", "Sockets",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]
    ),
    .target(
      name: "NodeProtocol",
      dependencies: [
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
      ],
      exclude: ["csi", "generate", "pluginregistration"],
      swiftSettings: settings
    ),

    module("Simulation", ["Files", "Overflow", "Selection", "Topology"]),

    // Pure decisions.
    module("Selection", ["Topology"]),
    module("Overflow", ["Selection", "Topology"]),
    module("OverflowPlanning", ["Files", "Placement"]),
    module("Placement", ["Topology", "CGLPK"]),
    module("Traffic", ["Topology"]),
    module("Topology"),

    // C libraries and thin shims.
    .target(name: "CCurl", cSettings: cSettings, linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CEpoll", cSettings: cSettings),
    .target(name: "CMount", cSettings: cSettings),
    .target(name: "CGLPK", cSettings: cSettings, linkerSettings: [.linkedLibrary("glpk")]),
    .target(name: "CProtobufC", cSettings: cSettings, linkerSettings: [.linkedLibrary("protobuf-c")]),
    .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
    .systemLibrary(name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .target(name: "CTonariClient", cSettings: cSettings),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

    tests("Topology"),
    tests("Sockets"),
    tests(
      "NodeDriver",
      [
        "Dispatching", "Monitoring", "NodeProtocol", "SelectorServer", "Selection", "SelectorProtocol", "Sockets",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .target(
      name: "PythonTestSupport", path: "Tests/PythonTestSupport", exclude: ["requirements.txt"],
      swiftSettings: settings),
    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(
      name: "HostileNumbersTestSupport", dependencies: [.product(name: "SwiftProtobuf", package: "swift-protobuf")],
      path: "Tests/HostileNumbersTestSupport", swiftSettings: settings),
    tests("Selection", ["HostileNumbersTestSupport", "Topology"]),
    tests("Simulation", ["HostileNumbersTestSupport", "Files", "Overflow", "Selection", "Topology"]),
    .target(
      name: "BrokerTestSupport", dependencies: ["ControlPlaneTestSupport"], path: "Tests/BrokerTestSupport",
      swiftSettings: settings),
    tests(
      "Messaging",
      ["BrokerTestSupport", "ControlPlaneTestSupport", "Monitoring", .product(name: "Logging", package: "swift-log")]),
    tests(
      "SelectorIntake",
      [
        "HostileNumbersTestSupport", "BrokerTestSupport", "ClusterHeadroom", "ControlPlaneTestSupport", "Messaging",
        "Dispatching",
        "EnvoyProtocol", "Files", "Kubernetes", "Monitoring", "Overflow", "OverflowPolicies", "Selection",
        "SelectorProtocol", "SelectorServer", .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    tests(
      "EnvoyServer",
      [
        "HostileNumbersTestSupport", "Certificates", "CertificateTestSupport", "Dispatching", "EnvoyProtocol",
        "Monitoring", "Overflow", "PythonTestSupport",
        "Selection", "SelectorProtocol", "SelectorServer", "Sockets", "Topology",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["EndpointPicker/peer.py"]),
    tests(
      "Dispatching",
      [
        "HostileNumbersTestSupport", "Overflow", "Selection", "SelectorProtocol", "Topology",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    .target(
      name: "SelectorProtocolTestSupport",
      dependencies: ["CProtobufC", "SelectorProtocol", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      path: "Tests/SelectorProtocolTestSupport", swiftSettings: settings),
    tests(
      "SelectorProtocol",
      [
        "CProtobufC", "SelectorProtocolTestSupport", "Topology",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "CTonariClient",
      [
        "Dispatching", "Overflow", "Selection", "SelectorProtocol", "SelectorProtocolTestSupport", "SelectorServer",
        "Topology",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests("Traffic", ["HostileNumbersTestSupport", "Topology"], resources: [.copy("Fixtures")]),
    .target(
      name: "PlacementTestSupport", dependencies: ["Placement", "Topology"], path: "Tests/PlacementTestSupport",
      swiftSettings: settings),
    tests("Placement", ["Topology", "CGLPK", "PlacementTestSupport"], exclude: ["Library/Instances"]),
    .target(
      name: "ControlPlaneTestSupport",
      dependencies: ["Kubernetes", "Yams", .product(name: "Logging", package: "swift-log")],
      path: "Tests/ControlPlaneTestSupport", swiftSettings: settings),
    tests("Kubernetes", ["Topology", "ControlPlaneTestSupport", .product(name: "Logging", package: "swift-log")]),
    tests(
      "Extender",
      [
        "Certificates", "CertificateTestSupport", "ControlPlaneTestSupport", "LiveInput", "Monitoring", "Planning",
        "Kubernetes", "Placement", "Topology", "Yams",
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]
    ),
    tests(
      "PlanController",
      [
        "ControlPlaneTestSupport", "LiveInput", "Monitoring", "Planning", "Kubernetes", "Placement", "Topology",
        "Traffic", "Yams", .product(name: "Logging", package: "swift-log"),
      ]
    ),
    tests("LiveInput", ["ControlPlaneTestSupport", "Kubernetes", "Traffic", "Monitoring"]),
    tests(
      "Monitoring",
      [
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]
    ),
    tests("Files", ["CZlib"]),
    tests(
      "OverflowController",
      [
        "HostileNumbersTestSupport", "ClusterHeadroom", "ControlPlaneTestSupport", "Kubernetes", "LiveInput",
        "Messaging", "Monitoring", "Overflow",
        "OverflowPolicies", "Selection",
        "Topology", "Yams", .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "ClusterHeadroom",
      [
        "BrokerTestSupport", "ControlPlaneTestSupport", "Kubernetes", "Messaging", "Monitoring", "Overflow",
        "OverflowPolicies", .product(name: "Logging", package: "swift-log"),
      ]),
    tests("OverflowPolicies", ["HostileNumbersTestSupport", "Files", "Kubernetes", "Overflow", "Topology", "Yams"]),
    .target(
      name: "CertificateTestSupport", path: "Tests/CertificateTestSupport", swiftSettings: settings),
    tests("Certificates", ["CertificateTestSupport", .product(name: "Logging", package: "swift-log")]),
    tests(
      "TonariClient",
      [
        "Certificates", "CertificateTestSupport", "Dispatching", "Overflow",
        "Selection", "SelectorProtocol", "SelectorServer",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]
    ),
    tests(
      "SelectorServer",
      [
        "HostileNumbersTestSupport", "AllocationCounter", "Certificates", "CertificateTestSupport", "Dispatching",
        "Monitoring", "Overflow", "PythonTestSupport",
        "Selection", "SelectorProtocol", "SelectorProtocolTestSupport", "Sockets", "Topology",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["GRPC/peer.py"]
    ),
    tests("Overflow", ["Selection", "Topology"]),
    tests(
      "OverflowPlanning",
      ["HostileNumbersTestSupport", "Files", "Overflow", "PlacementTestSupport", "Selection", "Topology"]),
    tests("Planning", ["HostileNumbersTestSupport", "Kubernetes", "Placement", "Traffic", "Topology", "Yams"]),
    // Of no module of its own: what the planner, the evaluation and the extender say, beside what Kubernetes' rules say.
    .testTarget(
      name: "KubernetesRulesTests",
      dependencies: [
        "Extender", "Kubernetes", "Placement", "PlacementTestSupport", "Planning", "Topology", "Traffic",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ], exclude: ["README.md"], swiftSettings: settings),
    tests("Report", ["Placement", "Topology", "PlacementTestSupport"]),
    tests(
      "tonari",
      [
        "HostileNumbersTestSupport", "Dispatching", "Files", "Kubernetes", "LiveInput", "OverflowController",
        "OverflowPolicies", "Placement", "SelectorServer", "Topology",
        "Report", "SelectorProtocol",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    // Runs the built executable as a process.
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "tonari", "BrokerTestSupport", "ControlPlaneTestSupport", "EnvoyProtocol", "Extender", "Kubernetes",
        "PythonTestSupport",
        "NodeProtocol",
        "Overflow", "OverflowController", "OverflowPolicies", "Planning", "Selection", "SelectorProtocol", "Simulation",
        "TonariClient", "Yams",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ], exclude: ["Envoy/envoy-requirements.txt", "Envoy/failing_grpc.py", "Node/kubelet.sh", "Node/pod.c"],
      swiftSettings: settings),
    fuzz,
  ] + (Context.environment["TONARI_BENCHMARKS"] == nil ? [] : benchmarks)
)

// Where `Tests` was left behind, as in a container that builds the product, nothing that lies in it is declared.
if !FileManager.default.fileExists(atPath: Context.packageDirectory + "/Tests") {
  package.targets.removeAll { $0.type == .test || $0.path?.hasPrefix("Tests/") == true }
}

// Of test targets, those alone that are named: a build with a sanitizer that not all of them can bear.
if let names = Context.environment["TONARI_TESTS"]?.split(separator: " ") {
  package.targets.removeAll { $0.type == .test && !names.contains($0.name.dropLast("Tests".count)) }
}
