/// Pictures of how requests overflowed over time, one for each service or for each way to run it.
package struct OverflowReport: Sendable {
  /// Its title.
  package var title: String
  /// What it says under its title.
  package var abstract: String
  /// What it shows, in this order and on common scales.
  package var series: [OverflowSeries]
  /// Figures beside the pictures; nil where there are none.
  package var figures: OverflowFigures?

  /// Makes a report.
  package init(title: String, abstract: String = "", series: [OverflowSeries], figures: OverflowFigures? = nil) {
    self.title = title
    self.abstract = abstract
    self.series = series
    self.figures = figures
  }

  /// The report as one HTML page that needs nothing else: no network, no other file. All texts are escaped.
  package func html() -> String {
    let sections = OverflowChart.charts(of: series).enumerated().map { k, chart in
      """
      <section id="s\(k)"><h2><bdi>\(chart.series.name)</bdi></h2><p class="hint">Requests per minute, by who served \
      them\(chart.series.capacity.map { "; the dashed line is what can be borne here, \(Human.number($0))" } ?? "").</p>\
      <figure>\(chart.render())</figure>\(chart.legend)</section>

      """ as Markup
    }
    let page: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
      <meta name="generator" content="tonari">
      <link rel="icon" href="data:,">
      <title>\(title) – overflow</title>
      <style>\(Self.text(PackageResources.page_css))\(Self.text(PackageResources.overflow_css))</style>
      </head>
      <body>
      <header>
      <div class="brand"><svg width="22" height="14" aria-hidden="true"><rect x="1" y="1" width="9" height="12" rx="2.5"/>\
      <rect x="12" y="1" width="9" height="12" rx="2.5"/></svg>tonari</div>
      <h1><bdi>\(title)</bdi></h1>
      <p class="hint">\(abstract)</p>
      </header>
      <main><div class="wrap">
      \(figures?.markup ?? "")\(sections.joined())</div></main>
      </body>
      </html>

      """
    return page.text
  }

  /// The pictures below each other as one SVG file.
  package func svg() -> String {
    let margin = 26.0
    var below = 30.0
    var width = 0.0
    let parts = OverflowChart.charts(of: series).map { chart in
      let part: Markup = """
        <g transform="translate(0 \(below))"><text class="caption" x="62" y="0">\(chart.series.name)</text></g>\
        <g class="overflow" transform="translate(0 \(below + 6))">\(chart.content)</g>

        """
      below += chart.size.height + margin
      width = max(width, chart.size.width)
      return part
    }
    let drawing: Markup = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(below)" role="img" aria-label="\(title)">
      <style>\(Self.text(PackageResources.overflow_css))</style>
      <rect class="sheet" width="100%" height="100%"/>
      \(parts.joined())</svg>

      """
    return drawing.text
  }

  private static func text(_ bytes: [UInt8]) -> Markup { Markup(verbatim: String(decoding: bytes, as: UTF8.self)) }
}
