/// One row of a table, valid only while it is being read.
struct Row {
  /// The line on which the row starts, counted from 1.
  let line: Int
  /// The bytes that the fields lie in.
  let bytes: UnsafeRawBufferPointer
  /// Where each field lies.
  let fields: [Range<Int>]

  /// The bytes of a field, quotes and surrounding white space removed.
  subscript(index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[fields[index]])
  }
}

/// Takes the rows that a ``RowScanner`` finds.
protocol RowReader {
  /// Reads one row.
  mutating func read(_ row: Row) throws(TrafficError)
}
