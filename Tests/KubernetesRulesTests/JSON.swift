/// A JSON document that grows as it is written down.
enum JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A value that is not there: an object leaves it out.
  case nothing
  case text(String)
  case number(Int)
  case flag(Bool)
  case list([JSON])
  case object([(key: String, value: JSON)])

  init(stringLiteral value: String) { self = .text(value) }
  init(integerLiteral value: Int) { self = .number(value) }
  init(booleanLiteral value: Bool) { self = .flag(value) }
  init(arrayLiteral elements: JSON...) { self = .list(elements) }
  init(dictionaryLiteral elements: (String, JSON)...) { self = .object(elements.map { (key: $0.0, value: $0.1) }) }

  /// A text, or nothing.
  init(_ text: String?) { self = text.map(JSON.text) ?? .nothing }
  /// A list, or nothing where it is empty.
  init<Element>(_ elements: [Element], _ json: (Element) -> JSON) {
    self = elements.isEmpty ? .nothing : .list(elements.map(json))
  }
  /// A list of texts, or nothing where it is empty.
  init(_ texts: [String]) { self.init(texts, JSON.text) }
  /// An object, or nothing where it is empty.
  init(_ texts: [String: String]) {
    let sorted = texts.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON.text($0.value)) }
    self = texts.isEmpty ? .nothing : .object(sorted)
  }

  var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private var isNothing: Bool {
    if case .nothing = self { true } else { false }
  }

  private func write(to text: inout String) {
    switch self {
    case .nothing: text += "null"
    // Texts here are names and labels, with nothing in them that is to be escaped.
    case .text(let value): text += "\"\(value)\""
    case .number(let value): text += "\(value)"
    case .flag(let value): text += value ? "true" : "false"
    case .list(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += "," }
        element.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      var isFirst = true
      for member in members where !member.value.isNothing {
        if !isFirst { text += "," }
        isFirst = false
        text += "\"\(member.key)\":"
        member.value.write(to: &text)
      }
      text += "}"
    }
  }
}
