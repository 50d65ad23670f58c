import Model
import Testing

@Suite("A workload's name")
struct WorkloadNameTests {
  @Test(
    "is read as namespace/name, or as a name in the namespace default",
    arguments: [
      ("shop/cart", WorkloadName(namespace: "shop", name: "cart")),
      ("cart", WorkloadName(namespace: "default", name: "cart")),
      ("default/cart", WorkloadName(namespace: "default", name: "cart")),
    ]
  )
  func reads(text: String, name: WorkloadName) {
    #expect(WorkloadName(text) == name)
  }

  @Test("with an empty part or a second slash is no name", arguments: ["", "/", "shop/", "/cart", "a/b/c"])
  func refuses(text: String) {
    #expect(WorkloadName(text) == nil)
  }

  @Test("is written as it is read", arguments: ["cart", "\u{301}cart", "\u{61A}"])
  func roundTrip(_ text: String) throws {
    let name = WorkloadName(namespace: "shop", name: text)
    #expect(WorkloadName(name.description) == name)
  }

  @Test("sorts by namespace, then by name")
  func order() throws {
    let sorted = ["b/a", "a/b", "a/a"].compactMap { WorkloadName($0) }.sorted()
    #expect(sorted.map(\.description) == ["a/a", "a/b", "b/a"])
  }
}
