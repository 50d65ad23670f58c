import Daemon
import GRPCCore
import Logging
import Selection
import SwiftProtobuf
import Synchronization

/// `csi.v1.Node`: mounts for kubelet what pods ask for.
final class NodeService: Csi_V1_Node.SimpleServiceProtocol {
  /// What it did since it started.
  struct Counts {
    var published: UInt64 = 0
    var unpublished: UInt64 = 0
    var failures: [String: UInt64] = [:]
  }

  private let node: String
  private let kubeletPods: String
  /// One call after the other, on threads that may block.
  private let volumes: PodVolumes
  private let turn = Mutex(())
  private let tallies = Mutex(Counts())
  private let logger: Logger

  init(node: String, _ volumes: PodVolumes, logger: Logger) {
    self.node = node
    kubeletPods = volumes.kubeletPods
    self.volumes = volumes
    self.logger = logger
  }

  var counts: Counts { tallies.withLock { $0 } }

  /// Does something with the volumes on a thread of its own.
  func withVolumes<Value: Sendable>(_ work: @escaping @Sendable (PodVolumes) throws -> Value) async throws -> Value {
    try await onWorkerThread { try self.turn.withLock { _ in try work(self.volumes) } }
  }

  func nodePublishVolume(
    request: Csi_V1_NodePublishVolumeRequest, context: ServerContext
  ) async throws -> Csi_V1_NodePublishVolumeResponse {
    try await answer("publish", request.volumeID) {
      let volume = try VolumeRequest(request, pods: self.kubeletPods)
      try await self.withVolumes { try $0.publish(volume) }
      self.tallies.withLock { $0.published += 1 }
      self.logger.info(
        "Published a volume",
        metadata: ["pod": "\(volume.pod)", "uid": "\(volume.pod.uid)", "role": "\(volume.role.rawValue)"])
    }
    return .init()
  }

  func nodeUnpublishVolume(
    request: Csi_V1_NodeUnpublishVolumeRequest, context: ServerContext
  ) async throws -> Csi_V1_NodeUnpublishVolumeResponse {
    try await answer("unpublish", request.volumeID) {
      try VolumeRequest.checkVolumeID(request.volumeID)
      let target = try VolumeTarget(request.targetPath, pods: self.kubeletPods)
      try await self.withVolumes { try $0.unpublish(target) }
      self.tallies.withLock { $0.unpublished += 1 }
      self.logger.info("Unpublished a volume", metadata: ["uid": "\(target.pod)", "volume": "\(target.volume)"])
    }
    return .init()
  }

  func nodeGetCapabilities(
    request: Csi_V1_NodeGetCapabilitiesRequest, context: ServerContext
  ) async throws -> Csi_V1_NodeGetCapabilitiesResponse {
    .init()
  }

  func nodeGetInfo(
    request: Csi_V1_NodeGetInfoRequest, context: ServerContext
  ) async throws -> Csi_V1_NodeGetInfoResponse {
    .with { $0.nodeID = node }
  }

  private func answer(_ what: String, _ volume: String, _ work: () async throws -> Void) async throws {
    do {
      try await work()
    } catch let error as VolumeError {
      let status = RPCError(error)
      tallies.withLock { $0.failures["\(status.code)", default: 0] += 1 }
      logger.error(
        "Cannot \(what) a volume", metadata: ["volume": "\(volume.prefix(128).escaped)", "error": "\(error)"])
      throw status
    }
  }
}
