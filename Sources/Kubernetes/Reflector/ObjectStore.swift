import HashTreeCollections
package import Model

/// A change to one object of a store.
package struct ObjectChange<Value: Sendable>: Sendable {
  /// The object.
  package var key: ObjectKey
  /// How it was before; nil where it was not there.
  package var before: Value?
  /// How it is now; nil where it is not there any more.
  package var after: Value?

  /// Makes a change.
  package init(key: ObjectKey, before: Value?, after: Value?) {
    self.key = key
    self.before = before
    self.after = after
  }
}

/// What is kept of the objects of a resource: a list, and the changes after it.
struct ObjectStore<Value: Sendable> {
  /// What is kept of an object.
  struct Entry: Sendable {
    var value: Value
    /// The version of the object that the value was made of.
    var resourceVersion: String
  }

  private(set) var entries = TreeDictionary<ObjectKey, Entry>()

  /// What is kept of an object; nil where it is not there.
  subscript(key: ObjectKey) -> Value? { entries[key]?.value }

  /// The entry of an object if it was made of this very version: then it need not be made again.
  func entry(of object: RawObject) -> Entry? {
    guard let entry = entries[object.key], !object.resourceVersion.isEmpty,
      entry.resourceVersion == object.resourceVersion
    else { return nil }
    return entry
  }

  /// Puts a fresh list in place of all that is there, and answers what that changes.
  mutating func replace(with list: [(key: ObjectKey, entry: Entry)]) -> [ObjectChange<Value>] {
    var changes: [ObjectChange<Value>] = []
    var fresh = TreeDictionary<ObjectKey, Entry>()
    for (key, entry) in list {
      fresh[key] = entry
      let known = entries[key]
      if known == nil || known?.resourceVersion != entry.resourceVersion {
        changes.append(ObjectChange(key: key, before: known?.value, after: entry.value))
      }
    }
    for (key, entry) in entries where fresh[key] == nil {
      changes.append(ObjectChange(key: key, before: entry.value, after: nil))
    }
    entries = fresh
    return changes
  }

  /// Puts an object in, or takes it out (nil), and answers what that changes.
  mutating func set(_ key: ObjectKey, to entry: Entry?) -> ObjectChange<Value>? {
    let known = entries[key]
    guard known != nil || entry != nil else { return nil }
    entries[key] = entry
    return ObjectChange(key: key, before: known?.value, after: entry?.value)
  }
}

/// The objects of a store as they were at one moment. Taking one costs nothing, and keeps nothing from changing.
package struct ObjectSnapshot<Value: Sendable>: Sequence, Sendable {
  /// An object and what is kept of it.
  package typealias Element = (key: ObjectKey, value: Value)

  fileprivate let entries: TreeDictionary<ObjectKey, ObjectStore<Value>.Entry>

  /// How many objects there are.
  package var count: Int { entries.count }

  /// What is kept of an object; nil where it is not there.
  package subscript(key: ObjectKey) -> Value? { entries[key]?.value }

  /// Goes through the objects, in no particular order.
  package func makeIterator() -> some IteratorProtocol<Element> {
    entries.lazy.map { (key: $0.key, value: $0.value.value) }.makeIterator()
  }
}

extension ObjectStore {
  /// The objects as they are now.
  var snapshot: ObjectSnapshot<Value> { ObjectSnapshot(entries: entries) }
}
