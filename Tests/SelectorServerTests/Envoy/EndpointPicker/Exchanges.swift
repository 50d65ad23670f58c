import EnvoyProtocol
import Foundation
import Model
import Overflow
import Selection
import SwiftProtobuf

@testable import SelectorServer

/// A service of three replicas, and messages as Envoy sends them.
enum Exchanges {
  static let addresses = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"]

  static func dispatcher(_ options: DispatcherOptions = DispatcherOptions(policy: .leastRequest)) -> Dispatcher {
    let dispatcher = Dispatcher(options)
    dispatcher.set(addresses.map { ServiceReplica(address: $0) }, of: "shop/cart", from: .file, at: .seconds(0))
    return dispatcher
  }

  static func hints(_ headers: KeyValuePairs<String, String> = ["x-tonari-service": "shop/cart"]) -> PickerHints {
    PickerHints(headers.map { ($0.key, $0.value) })
  }

  static func headers(_ pairs: KeyValuePairs<String, String>) -> Envoy_Service_ExtProc_V3_HttpHeaders {
    .with { message in
      message.headers.headers = pairs.map { pair in
        .with {
          $0.key = pair.key
          $0.rawValue = Data(pair.value.utf8)
        }
      }
    }
  }

  static func request(
    _ pairs: KeyValuePairs<String, String> = [":method": "GET", ":path": "/", ":authority": "cart.shop"],
    _ change: (inout ProcessingRequest) -> Void = { _ in }
  ) -> ProcessingRequest {
    .with {
      $0.requestHeaders = headers(pairs)
      change(&$0)
    }
  }

  static func response(
    _ status: Int = 200, served: String? = nil, headers pairs: KeyValuePairs<String, String> = [:]
  ) -> ProcessingRequest {
    .with {
      $0.responseHeaders = headers([":status": "\(status)"])
      $0.responseHeaders.headers.headers += headers(pairs).headers.headers
      if let served {
        $0.metadataContext.filterMetadata["envoy.lb"] = .init(
          fields: ["x-gateway-destination-endpoint-served": .init(stringValue: served)])
      }
    }
  }

  /// What a response says was picked, in its header and in its metadata.
  static func destinations(_ response: ProcessingResponse?) -> (header: [String], metadata: [String]) {
    let options = response?.requestHeaders.response.headerMutation.setHeaders ?? []
    let header = options.first { $0.header.key == "x-gateway-destination-endpoint" }
    let text = header.map { String(decoding: $0.header.rawValue, as: UTF8.self) } ?? ""
    let metadata =
      response?.dynamicMetadata.fields["envoy.lb"]?.structValue.fields["x-gateway-destination-endpoint"]?.stringValue
    func list(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
    return (list(text), list(metadata ?? ""))
  }
}

extension Dispatcher {
  /// How service `shop/cart` is; a test without it is wrong.
  var cart: ServiceStatus {
    guard let cart = status(at: .seconds(0)).first(where: { $0.name == "shop/cart" }) else {
      fatalError("no shop/cart")
    }
    return cart
  }

  var inFlight: Int { cart.replicas.reduce(0) { $0 + $1.view.inFlight } }
}

extension PickExchange {
  /// Answers a message with memory of its own.
  mutating func answer(_ message: ProcessingRequest, at now: Moment) throws(ServiceUnknown) -> ProcessingResponse? {
    try answer(message, at: now, using: PickAnswer())
  }
}
