import ArgumentParser
import Connections
import Formats
import Foundation
import Overflow
import Report

/// Finds out what one pod bears.
struct CalibrateCommand: AsyncParsableCommand {
  /// The form of the result on standard output.
  enum Form: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Find how many requests one pod bears, for the capacity in an overflow policy.",
    discussion: """
      Sends GET requests to one pod, more with each step, and finds from where on responses take longer or fail, and go on \
      doing so. Requests are sent when their time has come, whatever became of those before, and what a response takes \
      counts from that time on: a pod that hangs does not look fast. Before the next step, those in flight come to their \
      end. A response is good where its status is 2xx: one that sends elsewhere (3xx) asks nothing of the pod.

      Give it a pod by itself, such as through 'kubectl port-forward', and not a service that other pods help with. It ends \
      when the pod is at its limit, and brings it there: nobody else should need that pod.

      EXAMPLES
        kubectl -n shop port-forward pod/cart-6d5f8 8080
        tonari calibrate http://127.0.0.1:8080/
        tonari calibrate http://127.0.0.1:8080/cart --from 60 --by 60 --step-seconds 30 -o json

      EXIT STATUS
        0 done
        2 wrong usage
        1 the pod does not answer, or anything else
      """
  )

  @Argument(help: "Where the pod listens, and the path that is asked for.")
  var url: String

  @Option(help: ArgumentHelp("Requests a minute of the first step.", valueName: "rate"))
  var from = 10.0

  @Option(help: ArgumentHelp("Requests a minute that each step has more than the one before.", valueName: "rate"))
  var by = 30.0

  @Option(help: ArgumentHelp("Requests a minute that are not exceeded.", valueName: "rate"))
  var upTo = 6000.0

  @Option(help: ArgumentHelp("How long a step takes, in seconds.", valueName: "seconds"))
  var stepSeconds = 60.0

  @Option(
    help: ArgumentHelp("After what time a request is given up: an error. (default: 10s)", valueName: "duration"),
    transform: Duration.argument)
  var timeout = Duration.seconds(10)

  @Option(
    help: ArgumentHelp(
      "A header of each request; several times for several.", discussion: "Such as 'Host: cart.example'.",
      valueName: "name: value"),
    transform: { text in
      let parts = text.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2, !parts[0].isEmpty, !text.contains(where: \.isNewline) else {
        throw ValidationError("'\(text)': expected a header such as 'Host: cart.example'")
      }
      return OutgoingRequest.Header(parts[0], parts[1])
    })
  var header: [OutgoingRequest.Header] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("What to print.", valueName: "form"))
  var output: Form = .table

  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme), parts.host?.isEmpty == false
    else { throw ValidationError("'\(url)': expected a URL such as http://127.0.0.1:8080/") }
    for (name, value) in [("--from", from), ("--by", by)] where !(0.1...60_000).contains(value) {
      throw ValidationError("\(name) \(value): expected requests a minute from 0.1 to 60000")
    }
    if !(from...60_000).contains(upTo) { throw ValidationError("--up-to \(upTo): expected \(from) to 60000") }
    if !(0.1...3600).contains(stepSeconds) {
      throw ValidationError("--step-seconds \(stepSeconds): expected 0.1 to 3600")
    }
    if from * stepSeconds < 60 {
      throw ValidationError("--from \(from): the first step of \(stepSeconds) seconds has no request")
    }
  }

  func run() async throws {
    var calibration = Calibration(from: from, by: by, upTo: upTo)
    let pod = CalibratedPod(url: url, headers: header, timeout: timeout)
    while let rate = calibration.next {
      let outcome = await pod.load(perMinute: rate, seconds: stepSeconds)
      let step = outcome.step(perMinute: rate)
      calibration.note(step)
      if calibration.steps.count == 1, step.errors == step.requests {
        throw Failure(description: "\(url): no request was answered: \(outcome.reason ?? "none came back in time")")
      }
      if !quiet {
        let note =
          calibration.standings.last == .stable ? "" : ", \(CalibrationReport.word(calibration.standings.last))"
        Terminal.messages.write("\(CalibrationReport.sentence(step))\(note)\n")
      }
    }
    let report = CalibrationReport(url: url, calibration: calibration)
    switch output {
    case .json: try Terminal.output.write(report.json())
    case .table: try Terminal.output.write(report.text(Terminal.output.style))
    }
  }

  /// There was nothing to calibrate.
  private struct Failure: Error, CustomStringConvertible { var description: String }
}
