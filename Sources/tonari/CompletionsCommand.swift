import ArgumentParser

/// Prints a shell's completion script.
struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Print the completion script of a shell.",
    discussion: """
      EXAMPLES
        tonari completions bash > /etc/bash_completion.d/tonari
        tonari completions zsh > "${fpath[1]}/_tonari"
        tonari completions fish > ~/.config/fish/completions/tonari.fish
      """
  )

  /// The shells that have completions.
  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var completionShell: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(help: "The shell.")
  var shell: Shell

  func run() throws {
    try Terminal.output.write(Tonari.completionScript(for: shell.completionShell) + "\n")
  }
}
