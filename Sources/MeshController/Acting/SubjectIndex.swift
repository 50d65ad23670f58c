import Kubernetes
import Model

/// Objects by what they are about, kept up change by change: what is looked up costs what there is of its subject, and not
/// what there is in the cluster.
struct SubjectIndex<Subject: Hashable & Sendable, Value: Sendable>: Sendable {
  private let about: @Sendable (ObjectKey, Value) -> Subject?
  private var objects: [Subject: [ObjectKey: Value]] = [:]

  /// - Parameter about: what an object is about; nil for one that nobody looks up.
  init(_ about: @escaping @Sendable (ObjectKey, Value) -> Subject?) {
    self.about = about
  }

  /// Takes up what has changed.
  mutating func apply(_ changes: [ObjectChange<Value>]) {
    for change in changes {
      let before = change.before.flatMap { about(change.key, $0) }
      let after = change.after.flatMap { about(change.key, $0) }
      if let before, before != after {
        objects[before]?[change.key] = nil
        if objects[before]?.isEmpty == true { objects[before] = nil }
      }
      if let after { objects[after, default: [:]][change.key] = change.after }
    }
  }

  /// The objects that are about something.
  subscript(subject: Subject) -> [ObjectKey: Value] { objects[subject] ?? [:] }

  /// How many subjects there are.
  var count: Int { objects.count }
}
