import ArgumentParser
import Foundation
import Kubernetes
import Testing

@testable import tonari

/// The command that prints what a plan is made from is the same wherever it is written down.
@Suite("The documented kubectl command")
struct DocumentedCommandTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test("prints volumes, claims, their classes and what drivers attach, as all else that is read")
  func kinds() {
    let command = ClusterSnapshot.kubectlCommand
    #expect(command == "kubectl get nodes,pods,deploy,sts,ds,rs,jobs,svc,ns,pv,pvc,sc,csinodes -A -o json")
  }

  @Test("is on the pages", arguments: ["README.md", "manifests/README.md", "manifests/examples/cluster.yaml"])
  func pages(path: String) throws {
    let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    #expect(
      text.contains(
        ClusterSnapshot.kubectlCommand.replacing("-o json", with: path == "README.md" ? "-o json" : "-o yaml")))
  }

  @Test("is in the helps")
  func helps() {
    for help in [
      Tonari.helpMessage(), Tonari.helpMessage(for: PlanCommand.self), Tonari.helpMessage(for: EvaluateCommand.self),
      Tonari.helpMessage(for: ExtenderDemo.self),
    ] {
      let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(words.contains(ClusterSnapshot.kubectlCommand))
    }
  }
}
