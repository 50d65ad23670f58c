import Foundation
import Testing

@testable import NodeDriver

struct MountTableTests {
  private static let text = """
    22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
    25 22 0:22 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=1g
    31 22 8:2 /kubelet /var/lib/kubelet rw shared:9 master:3 - ext4 /dev/sda2 rw
    40 31 0:22 /tonari/pods/a-1 /var/lib/kubelet/pods/a-1/volumes/kubernetes.io~csi/t/mount ro,nosuid shared:5 - tmpfs tmpfs rw
    41 31 0:22 /tonari/pods/b//deleted /mnt/with\\040blank rw - tmpfs tmpfs rw
    nonsense
    """

  @Test("Mounts are read, with what is mounted where and how")
  func entries() {
    let table = MountTable(Self.text)
    #expect(table.entries.count == 5)
    let mount = table.mount(at: "/var/lib/kubelet/pods/a-1/volumes/kubernetes.io~csi/t/mount")
    #expect(mount?.root == "/tonari/pods/a-1")
    #expect(mount?.device == "0:22")
    #expect(mount?.options == ["ro", "nosuid"])
    #expect(mount?.isShared == true)
    #expect(table.entries.last?.point == "/mnt/with blank")
    #expect(table.entries.last?.isShared == false)
    #expect(table.mount(at: "/var/lib") == nil)
  }

  @Test("A path lies in the mount nearest above it, the last one where several are at one place")
  func location() {
    let table = MountTable(Self.text)
    #expect(table.location(of: "/run/tonari/pods/a-1") == .init(device: "0:22", path: "/tonari/pods/a-1"))
    #expect(table.location(of: "/var/lib/kubelet") == .init(device: "8:2", path: "/kubelet"))
    #expect(table.location(of: "/var/lib/kubelet/pods") == .init(device: "8:2", path: "/kubelet/pods"))
    #expect(table.location(of: "/var/lib/kubelets") == .init(device: "8:1", path: "/var/lib/kubelets"))
    let above = MountTable(Self.text + "\n50 25 0:99 / /run rw - tmpfs tmpfs rw")
    #expect(above.location(of: "/run/x") == .init(device: "0:99", path: "/x"))
    #expect(above.mount(at: "/run")?.device == "0:99")
  }

  @Test("The mounts of this process are read")
  func own() throws {
    let table = try MountTable.current()
    #expect(table.mount(at: "/proc") != nil)
    #expect(table.mount(holding: "/")?.point == "/")
  }
}
