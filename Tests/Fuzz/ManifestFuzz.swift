import Kubernetes

/// What libFuzzer calls with every input: the bytes of a cluster file.
///
/// It looks for crashes, hangs and, by the address sanitizer, for reads past the input's end, and holds the reader to
/// naming the input in every error.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var snapshot = ClusterSnapshot()
  do {
    try snapshot.read(Array(UnsafeBufferPointer(start: data, count: count)), source: "input")
  } catch {
    precondition(error.description.hasPrefix("input:"), error.description)
  }
  for pod in snapshot.pods {
    precondition(pod.spec.effectiveRequests["pods"] != nil)
    _ = pod.spec.hostPorts
  }
  return 0
}
