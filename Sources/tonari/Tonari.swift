import ArgumentParser

@main
struct Tonari: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "tonari", abstract: "Places microservices next door.")
}
