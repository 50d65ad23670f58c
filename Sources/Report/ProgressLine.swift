package import Placement

/// One line that says where a solver stands, to be drawn over the one before.
package struct ProgressLine: Sendable {
  /// What the terminal can do; the line is never longer than its width.
  package var style: TerminalStyle

  /// Makes a renderer.
  package init(style: TerminalStyle) {
    self.style = style
  }

  private struct Field {
    var label: String
    var value: String
    /// Where a terminal is narrow, the highest goes first.
    var rank: Int
    var emphasis: TerminalStyle.Emphasis = .plain
    var width: Int { label.displayWidth + (label.isEmpty ? 0 : 1) + value.displayWidth }
  }

  /// Renders a line without a line end. The caller returns the carriage and clears what is left of the line before.
  package func render(_ progress: SolverProgress) -> String {
    var fields = [Field(label: "", value: Human.duration(progress.elapsed), rank: 1)]
    fields.append(Field(label: "", value: progress.phase.printable, rank: 5, emphasis: .faint))
    if let share = progress.localizedShare {
      fields.append(Field(label: "localized", value: Human.percent(share), rank: 2, emphasis: .strong))
    }
    if let objective = progress.objective {
      fields.append(Field(label: "objective", value: Human.number(objective), rank: 3))
    }
    fields.append(Field(label: "bound", value: Human.number(progress.lowerBound), rank: 4))
    if let gap = progress.gap { fields.append(Field(label: "gap", value: Human.percent(gap), rank: 0)) }
    return render(fields)
  }

  private func render(_ fields: [Field]) -> String {
    var fields = fields
    if let width = style.width {
      while fields.count > 1, fields.reduce(-2, { $0 + $1.width + 2 }) > width {
        guard let last = fields.indices.max(by: { fields[$0].rank < fields[$1].rank }) else { break }
        fields.remove(at: last)
      }
      if let only = fields.first, fields.count == 1, only.width > width {
        return "\(only.label) \(only.value)".truncated(to: width)
      }
    }
    return fields.map { field in
      (field.label.isEmpty ? "" : style.apply(.faint, to: field.label) + " ")
        + style.apply(field.emphasis, to: field.value)
    }.joined(separator: "  ")
  }
}

extension SolverProgress {
  /// `(objective − lowerBound) / objective`, not below 0; nil before there are an objective and a bound.
  var gap: Double? {
    guard let objective else { return nil }
    guard objective > 0 else { return 0 }
    return lowerBound > 0 ? max(0, (objective - lowerBound) / objective) : nil
  }
}
