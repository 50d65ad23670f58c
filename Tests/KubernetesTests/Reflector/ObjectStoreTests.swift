import Testing

@testable import Formats
@testable import Kubernetes
@testable import Model

struct ObjectStoreTests {
  typealias Store = ObjectStore<Int>

  /// What a consumer knows who was told all changes.
  static func follow(_ changes: [ObjectChange<Int>], _ known: inout [ObjectKey: Int]) {
    for change in changes {
      #expect(known[change.key] == change.before)
      known[change.key] = change.after
    }
  }

  static func expectEqual(_ store: Store, _ objects: [ObjectKey: Int]) {
    #expect(store.snapshot.count == objects.count)
    for (key, value) in store.snapshot { #expect(objects[key] == value) }
  }

  @Test("Whatever comes, the changes that are told lead to what is there")
  func changes() {
    for seed in 0..<20 {
      var generator = SeededGenerator(seed: UInt64(seed))
      var store = Store()
      var truth: [ObjectKey: Int] = [:]
      var told: [ObjectKey: Int] = [:]
      var version = 0
      for _ in 0..<200 {
        version += 1
        let key = ObjectKey(namespace: "n", name: "\(Int.random(in: 0..<20, using: &generator))")
        switch Int.random(in: 0..<10, using: &generator) {
        case 0:
          // A fresh list, with things that have happened unseen.
          for name in 0..<20 where Bool.random(using: &generator) {
            version += 1
            truth[ObjectKey(namespace: "n", name: "\(name)")] = Bool.random(using: &generator) ? version : nil
          }
          let list = truth.map { (key: $0.key, entry: Store.Entry(value: $0.value, resourceVersion: "\($0.value)")) }
          Self.follow(store.replace(with: list), &told)
        case 1...3:
          truth[key] = nil
          Self.follow(store.set(key, to: nil).map { [$0] } ?? [], &told)
        default:
          truth[key] = version
          let entry = Store.Entry(value: version, resourceVersion: "\(version)")
          Self.follow(store.set(key, to: entry).map { [$0] } ?? [], &told)
        }
        #expect(told == truth)
        Self.expectEqual(store, truth)
      }
    }
  }

  @Test("A fresh list tells nothing of objects that have not changed")
  func unchanged() {
    var store = Store()
    let list = [(key: ObjectKey(name: "a"), entry: Store.Entry(value: 1, resourceVersion: "1"))]
    #expect(store.replace(with: list).count == 1)
    #expect(store.replace(with: list).isEmpty)
  }

  @Test("A snapshot stays as it was")
  func snapshot() {
    var store = Store()
    let key = ObjectKey(name: "a")
    _ = store.set(key, to: .init(value: 1, resourceVersion: "1"))
    let snapshot = store.snapshot
    _ = store.set(key, to: .init(value: 2, resourceVersion: "2"))
    #expect(snapshot[key] == 1)
    #expect(store[key] == 2)
  }

  @Test("A reader that looks late sees each object once: as it was, and as it is")
  func merging() async {
    let subscription = ObjectChanges<Int>.Subscription()
    let changes = ObjectChanges(subscription: subscription)
    let (a, b) = (ObjectKey(name: "a"), ObjectKey(name: "b"))
    subscription.publish([ObjectChange(key: a, before: nil, after: 1)])
    var iterator = changes.makeAsyncIterator()
    #expect(await iterator.next()?.count == 1)
    for value in 1..<100 { subscription.publish([ObjectChange(key: a, before: value, after: value + 1)]) }
    subscription.publish([ObjectChange(key: b, before: nil, after: 1)])
    subscription.publish([ObjectChange(key: b, before: 1, after: nil)])
    let batch = await iterator.next()
    #expect(batch?.count == 1)
    #expect(batch?.first?.before == 1)
    #expect(batch?.first?.after == 100)
    subscription.finish()
    #expect(await iterator.next() == nil)
  }
}
