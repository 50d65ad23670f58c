import ArgumentParser

/// Shows on loopback what Tonari does.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Show what the extender, the selector and overflow do, with nothing but this machine.",
    subcommands: [ExtenderDemo.self, SelectorDemo.self, OverflowDemo.self]
  )
}
