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
      "Extender", "Formats", "Kubernetes", "Model", "Planner",
      .product(name: "NIOCore", package: "swift-nio"),
    ],
    path: "benchmarks/Extender", swiftSettings: settings),
  .executableTarget(
    name: "dispatching-benchmark",
    dependencies: [
      "Daemon", "Model", "Overflow", "Selection",
    ],
    path: "benchmarks/Dispatching",
    swiftSettings: settings),
  .executableTarget(
    name: "selection-benchmark",
    dependencies: [
      "AllocationCounter", "Model", "Selection",
    ], path: "benchmarks/Selection",
    swiftSettings: settings),
  .executableTarget(
    name: "selector-benchmark",
    dependencies: [
      "Daemon", "Selection", "SelectorServer",
    ],
    path: "benchmarks/Selector", exclude: ["client.c", "echo.c", "framed.py"], swiftSettings: settings),
  .executableTarget(
    name: "overflow-benchmark",
    dependencies: [
      "Model", "Overflow", "Placement",
    ],
    path: "benchmarks/Overflow", swiftSettings: settings),
  .executableTarget(
    name: "selector-grpc-benchmark",
    dependencies: [
      "Daemon", "Selection", "SelectorProtocol", "SelectorServer",
      .product(name: "GRPCCore", package: "grpc-swift-2"),
      .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
      .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
    ],
    path: "benchmarks/SelectorGRPC", exclude: ["grpc_server.py", "unary.py"], swiftSettings: settings),
]

/// The decoders that are fuzzed, and what they are made of. In a usual build they are tests, which send saved inputs and
/// seeded changes of them; with libFuzzer they are a program that looks for inputs that go new ways.
let fuzzDependencies: [Target.Dependency] = [
  "CTonariClient", "EnvoyProtocol", "Extender", "Fleet", "Formats", "Kubernetes", "MeshController", "Model",
  "Overflow", "Placement", "Planner", "Selection", "SelectorProtocol", "SelectorProtocolTestSupport",
  "SelectorServer", "Simulation", "TonariClient", "Traffic",
  .product(name: "GRPCCore", package: "grpc-swift-2"),
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
        "Connections", "Daemon", "Extender", "Fleet", "Formats", "Kubernetes", "MeshController", "Model",
        "NodeDriver", "Overflow", "Placement", "Planner", "Report", "Selection", "SelectorProtocol",
        "SelectorServer", "Simulation", "TonariClient", "Traffic",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings
    ),

    // Programs.
    module(
      "Planner",
      [
        "Connections", "Daemon", "Formats", "Kubernetes", "Model", "Placement", "Traffic", "Yams",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    module(
      "Extender",
      [
        "Connections", "Daemon", "Formats", "Kubernetes", "Model", "Placement", "Planner", "Traffic",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    module(
      "SelectorServer",
      [
        "CEpoll", "CNGHTTP2", "CProtobufC", "Connections", "Daemon", "EnvoyProtocol", "Fleet", "Formats",
        "Kubernetes", "Model", "Overflow", "Selection", "SelectorProtocol",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOExtras", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftASN1", package: "swift-asn1"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
        .product(name: "X509", package: "swift-certificates"),
      ]),
    module(
      "MeshController",
      [
        "Connections", "Daemon", "Fleet", "Formats", "Kubernetes", "Model", "Overflow", "Report", "Selection",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    .target(
      name: "NodeDriver",
      dependencies: [
        "CMount", "Connections", "Daemon", "Formats", "Selection",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Protocol/csi", "Protocol/generate", "Protocol/pluginregistration"],
      swiftSettings: settings
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
      ]),
    .target(
      name: "Report",
      dependencies: [
        "Model", "Placement",
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      resources: [
        .embedInCode("Overflow/overflow.css"), .embedInCode("Page/page.css"), .embedInCode("Page/page.js"),
      ],
      swiftSettings: settings
    ),

    // What programs stand on: other clusters, the API server, connections, a process that serves.
    module(
      "Fleet",
      [
        "Connections", "Daemon", "Formats", "Kubernetes", "Model", "Overflow", "Selection",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    module(
      "Kubernetes",
      [
        "Connections", "Daemon", "Formats", "Model",
        .product(name: "HashTreeCollections", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    module(
      "Connections",
      [
        "CCurl", "CMosquitto", "Daemon", "Formats", "Model", "Traffic",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCertificateReloading", package: "swift-nio-extras"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    module(
      "Daemon",
      [
        "Formats", "Model",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOExtras", package: "swift-nio-extras"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ]),
    .target(
      name: "EnvoyProtocol",
      dependencies: [
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["envoy", "generate", "google", "xds"],
      swiftSettings: settings
    ),
    .target(
      name: "SelectorProtocol",
      dependencies: [
        "CProtobufC",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["examples", "generate", "grpc", "tonari"],
      swiftSettings: settings
    ),
    module(
      "Formats",
      [
        "CZlib", "Yams",
      ]),
    module(
      "Simulation",
      [
        "Formats", "Model", "Overflow", "Selection",
      ]),

    // Decisions: no clock, no socket, no file.
    module(
      "Selection",
      [
        "Model", "Overflow",
        .product(name: "HashTreeCollections", package: "swift-collections"),
      ]),
    module(
      "Overflow",
      [
        "Model"
      ]),
    module(
      "Placement",
      [
        "CGLPK", "Model",
      ]),
    module(
      "Traffic",
      [
        "Model"
      ]),
    module("Model"),

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

    .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
    .target(name: "CertificateTestSupport", path: "Tests/CertificateTestSupport", swiftSettings: settings),
    .target(
      name: "PythonTestSupport", path: "Tests/PythonTestSupport", exclude: ["requirements.txt"],
      swiftSettings: settings),
    .target(
      name: "HostileNumbersTestSupport",
      dependencies: [
        .product(name: "SwiftProtobuf", package: "swift-protobuf")
      ],
      path: "Tests/HostileNumbersTestSupport", swiftSettings: settings),
    .target(
      name: "BrokerTestSupport",
      dependencies: [
        "ControlPlaneTestSupport"
      ],
      path: "Tests/BrokerTestSupport", swiftSettings: settings),
    .target(
      name: "ControlPlaneTestSupport",
      dependencies: [
        "Connections", "Formats", "Kubernetes", "Yams",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/ControlPlaneTestSupport", swiftSettings: settings),
    .target(
      name: "PlacementTestSupport",
      dependencies: [
        "Model", "Placement",
      ],
      path: "Tests/PlacementTestSupport", swiftSettings: settings),
    .target(
      name: "SelectorProtocolTestSupport",
      dependencies: [
        "CProtobufC", "SelectorProtocol",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      path: "Tests/SelectorProtocolTestSupport", swiftSettings: settings),
    tests(
      "Model",
      [

      ]),
    tests(
      "Traffic",
      [
        "HostileNumbersTestSupport", "Model",
      ], resources: [.copy("Fixtures")]),
    tests(
      "Placement",
      [
        "CGLPK", "Model", "PlacementTestSupport",
      ], exclude: ["Library/Instances"]),
    tests(
      "Overflow",
      [
        "Model", "Selection",
      ]),
    tests(
      "Selection",
      [
        "HostileNumbersTestSupport", "Model", "Overflow", "SelectorProtocol", "SelectorServer",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "Simulation",
      [
        "Formats", "HostileNumbersTestSupport", "Model", "Overflow", "Selection",
      ]),
    tests(
      "Formats",
      [
        "CZlib"
      ]),
    tests(
      "SelectorProtocol",
      [
        "CProtobufC", "Model", "SelectorProtocolTestSupport",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "Daemon",
      [
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ]),
    tests(
      "Connections",
      [
        "BrokerTestSupport", "CertificateTestSupport", "ControlPlaneTestSupport", "Daemon",
        .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "Kubernetes",
      [
        "Connections", "ControlPlaneTestSupport", "Formats", "Model",
      ]),
    tests(
      "Fleet",
      [
        "BrokerTestSupport", "Connections", "ControlPlaneTestSupport", "Daemon", "Formats",
        "HostileNumbersTestSupport", "Kubernetes", "Model", "Overflow", "Selection", "Yams",
        .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "Report",
      [
        "Model", "Placement", "PlacementTestSupport",
      ]),
    tests(
      "TonariClient",
      [
        "CertificateTestSupport", "Connections", "Daemon", "Overflow", "Selection", "SelectorProtocol",
        "SelectorServer",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "CTonariClient",
      [
        "Daemon", "Model", "Overflow", "Selection", "SelectorProtocol", "SelectorProtocolTestSupport",
        "SelectorServer",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "NodeDriver",
      [
        "Connections", "Daemon", "Selection",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    tests(
      "MeshController",
      [
        "Connections", "ControlPlaneTestSupport", "Daemon", "Fleet", "Formats", "Kubernetes", "Model",
        "Overflow", "Selection", "Yams",
        .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "SelectorServer",
      [
        "AllocationCounter", "BrokerTestSupport", "CertificateTestSupport", "Connections",
        "ControlPlaneTestSupport", "Daemon", "EnvoyProtocol", "Fleet", "Formats", "HostileNumbersTestSupport",
        "Kubernetes", "Model", "Overflow", "PythonTestSupport", "Selection", "SelectorProtocol",
        "SelectorProtocolTestSupport",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ], exclude: ["Envoy/EndpointPicker/peer.py", "GRPC/peer.py"]),
    tests(
      "Extender",
      [
        "CertificateTestSupport", "Connections", "ControlPlaneTestSupport", "Daemon", "Formats", "Kubernetes",
        "Model", "Planner",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]),
    tests(
      "Planner",
      [
        "Connections", "ControlPlaneTestSupport", "Daemon", "Formats", "HostileNumbersTestSupport",
        "Kubernetes", "Model", "Overflow", "Placement", "PlacementTestSupport", "Traffic", "Yams",
        .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "tonari",
      [
        "Connections", "Fleet", "Formats", "HostileNumbersTestSupport", "Kubernetes", "Model", "Overflow",
        "Placement", "Planner", "Report", "Selection", "SelectorProtocol", "SelectorServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ]),
    // Of no module of its own: what the planner, the evaluation and the extender say, beside what Kubernetes' rules say.
    .testTarget(
      name: "KubernetesRulesTests",
      dependencies: [
        "Extender", "Kubernetes", "Model", "Placement", "PlacementTestSupport", "Planner", "Traffic",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
      ], exclude: ["README.md"], swiftSettings: settings),
    // Runs the built executable as a process.
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "BrokerTestSupport", "Connections", "ControlPlaneTestSupport", "EnvoyProtocol", "Extender", "Fleet",
        "Formats", "Kubernetes", "MeshController", "Model", "NodeDriver", "Overflow", "Planner",
        "PythonTestSupport", "SelectorProtocol", "Simulation", "TonariClient", "Yams", "tonari",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
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
