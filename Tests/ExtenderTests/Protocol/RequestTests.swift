import Foundation
import Kubernetes
import Model
import NIOCore
import Testing

@testable import Extender

@Suite struct RequestTests {
  private func read(_ text: String) throws -> (request: SchedulingRequest, names: [String], elements: [String]) {
    var text = text
    return try text.withUTF8 { utf8 in
      let bytes = UnsafeRawBufferPointer(utf8)
      let request = try SchedulingRequest(bytes)
      func slice(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
      }
      return (request, request.candidates.map { slice($0.name) }, request.candidates.map { slice($0.element) })
    }
  }

  @Test(
    "Keys are read in whatever case, and unknown fields are passed over",
    arguments: [
      #"{"Pod":{"metadata":{"name":"p"}},"NodeNames":["a","b"],"Nodes":null}"#,
      #"{"pod":{"Metadata":{"NAME":"p"}},"nodenames":["a","b"]}"#,
      #"{"new":[{"deep":{}}],"pod":{"spec":{"x":1},"metadata":{"name":"p","labels":null}},"nodeNames":[ "a" , "b" ]}"#,
    ])
  func keys(text: String) throws {
    let (request, names, _) = try read(text)
    #expect(names == ["a", "b"])
    #expect(request.pod.name == "p")
    #expect(request.form == .names)
  }

  @Test("Whole nodes are found with their names and all of their bytes")
  func wholeNodes() throws {
    let first = #"{"spec":{"name":"no"},"metadata":{"annotations":{"name":"no"},"name":"a"}}"#
    let (request, names, elements) = try read(
      #"{"Nodes":{"items":[\#(first), {"metadata":{"name":"b"}}]},"Pod":{}}"#)
    #expect(request.form == .objects)
    #expect(names == ["a", "b"])
    #expect(elements.first == first)
  }

  @Test(
    "Lists that are null or missing offer no node",
    arguments: [#"{"Pod":{},"Nodes":null,"NodeNames":null}"#, "{}", #"{"Nodes":{"items":null}}"#, #"{"NodeNames":[]}"#])
  func null(text: String) throws {
    #expect(try read(text).names.isEmpty)
  }

  @Test(
    "What is no request is named with its place",
    arguments: [
      ("", "byte 0: found the end of the input, expected '{'"),
      ("[]", "byte 0: found '[', expected '{'"),
      (#"{"Pod":3}"#, "byte 7: found '3', expected '{'"),
      (#"{"NodeNames":[1]}"#, "byte 14: found '1', expected a node's name"),
      (#"{"NodeNames":["a""#, "byte 17: found the end of the input, expected ',' or ']'"),
      (#"{"Nodes":{"items":[{}]}}"#, "byte 19: found a node without a name, expected one in metadata.name"),
      (#"{} x"#, "byte 3: found 'x', expected the end of the request"),
    ])
  func malformed(text: String, message: String) {
    #expect(throws: ProtocolError(code: .malformed, message: message)) { try read(text) }
  }

  @Test("The workload is the annotation's, else the owner's")
  func workload() throws {
    func identity(_ metadata: String) throws -> ReplicaIdentity? {
      try read(#"{"Pod":{"metadata":{"namespace":"shop",\#(metadata)}}}"#).request.pod.identity(WorkloadOwners([]))
    }
    let owner = #""ownerReferences":[{"kind":"X","name":"x"},{"kind":"ReplicaSet","name":"cart-7f","controller":true}]"#
    let cart = deployment("cart")
    #expect(try identity(#""labels":{"pod-template-hash":"7f"},\#(owner)"#) == replica("cart", revision: "7f"))
    #expect(try identity(#""annotations":{"tonari.dev/workload":"cart"},\#(owner)"#)?.workload == .name(cart.name))
    #expect(
      try identity(#""annotations":{"tonari.dev/workload":"shop\/b"}"#)?.workload
        == .name(WorkloadName(namespace: "shop", name: "b")))
    let stateful = #""ownerReferences":[{"kind":"StatefulSet","name":"db","controller":true}]"#
    #expect(
      try identity(#"\#(stateful),"labels":{"controller-revision-hash":"db-1"}"#)
        == ReplicaIdentity(
          .reference(WorkloadReference(kind: "StatefulSet", name: WorkloadName(namespace: "shop", name: "db"))),
          revision: "db-1"))
    #expect(try identity(#""name":"bare""#) == nil)
  }

  @Test(
    "An annotation that names no workload of the pod's own namespace counts for nothing, and says why",
    arguments: ["other/cart", "/cart", "other/", "shop/cart/more", "shopother/cart"])
  func foreignWorkload(annotation: String) throws {
    let owner = #""ownerReferences":[{"kind":"ReplicaSet","name":"own-7f","controller":true}]"#
    let pod = try read(
      #"{"Pod":{"metadata":{"namespace":"shop","labels":{"pod-template-hash":"7f"},"#
        + #""annotations":{"tonari.dev/workload":"\#(annotation)"},\#(owner)}}}"#
    ).request.pod
    #expect(pod.identity(WorkloadOwners([])) == replica("own", revision: "7f"))
    #expect(pod.annotationFault?.contains("found '\(annotation)', expected a workload of namespace shop") == true)
    var bare = pod
    bare.owner = nil
    #expect(bare.identity(WorkloadOwners([])) == nil)
  }
}
