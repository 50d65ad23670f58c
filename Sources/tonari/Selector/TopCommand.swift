import ArgumentParser
import Foundation
import Report
import SelectorProtocol
import SelectorServer

/// Shows what a selector does, as it goes on.
struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top",
    abstract: "Show a selector's replicas, their load and picks, as they go on.",
    discussion: """
      Watches a selector by gRPC: for each replica the requests in flight, what one request takes there, picks and \
      failures each second. On a terminal the picture is drawn anew at an interval and fits it, what has no room is \
      counted; else one is written after another. \
      Ctrl-C ends it. The selector must allow it: --allow watch=local on the same machine.

      EXAMPLES
        tonari top 127.0.0.1:9443
        tonari top selector.tonari:9443 --service shop/cart --tls-ca ca.pem
        tonari top 127.0.0.1:9443 --once

      \(ExitStatus.help)
      """
  )

  @Argument(
    help: ArgumentHelp("Where the selector serves gRPC.", valueName: "host:port"), transform: ListenAddress.init)
  var selector: ListenAddress

  @Option(
    help: ArgumentHelp("Show this service alone; several may be given.", valueName: "name"))
  var service: [String] = []

  @Option(
    help: ArgumentHelp("The time between two pictures. (default: 1s)", valueName: "duration"),
    transform: Duration.argument)
  var interval: Duration?

  @Flag(help: "Show one picture, of an interval, and end.")
  var once = false

  @Option(
    help: ArgumentHelp(
      "The authorities that vouch for the selector, as PEM; without, plain HTTP/2.", valueName: "file"),
    completion: .file()
  )
  var tlsCa: String?

  @Option(
    help: ArgumentHelp(
      "The name that the selector's certificate must have. (default: the host)", valueName: "name"))
  var tlsServerName: String?

  @Option(
    help: ArgumentHelp("The client certificate to prove who asks, as PEM, with --tls-key.", valueName: "file"),
    completion: .file())
  var tlsCert: String?

  @Option(help: ArgumentHelp("The certificate's private key, as PEM.", valueName: "file"), completion: .file())
  var tlsKey: String?

  @Option(
    help: ArgumentHelp("The file with a token to prove who asks, for audience tonari.dev.", valueName: "file"),
    completion: .file())
  var tokenFile: String?

  func validate() throws {
    if (tlsCert == nil) != (tlsKey == nil) { throw ValidationError("--tls-cert and --tls-key: expected both or none") }
    if tlsCa == nil, tlsCert != nil { throw ValidationError("--tls-cert: expected --tls-ca with it") }
    if tlsCa == nil, tlsServerName != nil { throw ValidationError("--tls-server-name: expected --tls-ca with it") }
  }

  func run() async throws {
    let interval = interval ?? .seconds(1)
    let target = SelectorTarget(
      host: selector.host, port: selector.port, serverName: tlsServerName,
      security: tlsCa.map { SelectorTarget.Security(authority: $0, certificate: tlsCert, key: tlsKey) },
      tokenFile: tokenFile)
    let watch = SelectorWatch(target)
    let output = Terminal.output
    let isLive = output.terminal.takesControlCodes && !once
    var picture = TopPicture()
    for try await statuses in watch.pictures(of: service, every: interval) {
      let text = picture.draw(
        statuses, seconds: interval / .seconds(1), output.style, height: isLive ? output.terminal.height : nil)
      if once, !picture.hasRates { continue }
      try output.write(isLive || once ? text : text + "\n", after: isLive ? .clearScreen : nil)
      guard once else { continue }
      let missing = statuses.filter(\.gone).map(\.service)
      guard missing.isEmpty else {
        throw Failure(description: "\(missing.joined(separator: ", ").printable): the selector has no such service")
      }
      return
    }
  }

  private struct Failure: Error, CustomStringConvertible { var description: String }
}
