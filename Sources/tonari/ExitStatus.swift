import ArgumentParser
import Connections
import Formats
import Kubernetes
import Placement
import Planner
import SelectorServer
import Traffic

/// The statuses with which `tonari` ends. They are part of the interface: scripts branch on them.
enum ExitStatus {
  /// The command did what it should.
  static let success = ExitCode(0)
  /// Something failed that no input explains.
  static let failure = ExitCode(1)
  /// The command line is wrong.
  static let usage = ExitCode(2)
  /// There is no placement, or none was found in time.
  static let infeasible = ExitCode(3)
  /// A file is not what it should be, or cannot be read or written.
  static let badInput = ExitCode(4)

  /// Answers the status for an error.
  static func of(_ error: any Error) -> ExitCode {
    switch error {
    case let error as PlacementError:
      switch error.code {
      case .infeasible, .notFound: infeasible
      case .tooLarge: badInput
      default: failure
      }
    case is PlanningError, is ManifestError, is TrafficError, is FileError, is OutputFile.Failure,
      is StandardOutput.Failure, is ConfigurationError,
      is TLSFiles.Failure, is FramedError, is SocketError, is StatisticsError:
      badInput
    default:
      failure
    }
  }

  /// The statuses as help shows them.
  static let help = """
    EXIT STATUS
      0 done
      2 wrong usage
      3 no placement satisfies all constraints, or none was found in time
      4 bad input, or a file that cannot be read or written
      1 anything else
    """
}
