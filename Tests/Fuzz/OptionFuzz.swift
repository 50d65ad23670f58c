#if canImport(tonari)
  @testable import tonari

  extension Fuzzer {
    /// A selector's configuration file.
    static let selectorConfiguration = Fuzzer(
      "selector-configuration",
      words: yamlWords + [
        "framed:", "grpc:", "in-cluster: true", "pick-lifetime: ", "policy: ", "peer: ", "orca: true", "load-query: ",
        "in-flight=up", "unix:/a", "tcp:h:1", "help: x", "version: x", "generate-completion-script: bash",
      ],
      longest: 2048,
      seeds: texts(
        "framed: [unix:/run/s.sock, tcp:127.0.0.1:9000]\ngrpc: 0.0.0.0:9443\npick-lifetime: 30s\npolicy: least-request\n",
        "{orca: true, orca-port: 0}")
    ) { bytes in
      _ = try? SelectorConfiguration.arguments(String(decoding: bytes, as: UTF8.self), file: "input")
    }

    /// Durations and addresses of options.
    static let durations = Fuzzer(
      "durations", words: ["ms", "s", "m", "h", "1e308", "0.0000000001", "366", "8784h", "00000000000000000001"],
      longest: 512, seeds: texts("500ms", "60s", "1h30m", "1.5s", "127.0.0.1:80", "[::1]:80")
    ) { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let duration = try? Duration.argument(text) {
        try expect(duration > .zero && duration <= .seconds(366 * 86_400), "\(text) is \(duration)")
      }
      _ = try? ListenAddress(text)
    }
  }
#endif
