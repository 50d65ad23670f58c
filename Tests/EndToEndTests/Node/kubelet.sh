#!/usr/bin/env bash
# A real kubelet and containerd, the volume driver and a selector: a pod with an inline volume picks on its own socket.
#
#   kubelet.sh TONARI       the built program
#
# Needs root, gcc, containerd, runc, and etcd, kube-apiserver, kubelet, kubectl in the folder KUBEBUILDER_ASSETS. All it
# mounts is in a mount namespace of its own. Says step by step what it sees, and fails at the first that is not so.
set -euo pipefail
if [[ ${TONARI_OWN_MOUNTS-} != yes ]]; then
  exec env TONARI_OWN_MOUNTS=yes unshare --mount --propagation private "$0" "$(realpath "$1")"
fi
tonari=$1
here=$(dirname "$(realpath "$0")")
assets=${KUBEBUILDER_ASSETS:?names the folder with etcd, kube-apiserver and kubelet}
# The path of a socket is short.
work=$(mktemp -d /tmp/tk-XXXXXX)
pids=()
finish() {
  status=$?
  if [[ $status -ne 0 ]]; then tail -n 25 "$work"/*.log >&2 || true; fi
  ctr --address "$work/containerd.sock" --namespace k8s.io tasks ls -q 2>/dev/null |
    xargs -r -n1 ctr --address "$work/containerd.sock" --namespace k8s.io tasks kill --signal KILL >/dev/null 2>&1 || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  for _ in 1 2 3 4 5; do
    awk -v w="$work/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo | tac | xargs -r -n1 umount -l 2>/dev/null || true
  done
  rm -rf "$work" 2>/dev/null || true
  exit $status
}
trap finish EXIT
say() { printf '%s\n' "$*"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# Waits until a command succeeds; says what it waited for where it never does.
until_so() {
  local what=$1 end=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    [[ $SECONDS -lt $end ]] || { say "not so after 120 s: $what" >&2; return 1; }
    sleep 0.2
  done
}
# Its children go with it.
start() {
  local name=$1
  shift
  setpriv --pdeathsig KILL -- "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
}
# What kubelet and containerd keep outside of their folders.
for folder in /run/netns /var/log/pods /var/log/containers; do
  mkdir -p "$folder"
  mount -t tmpfs tmpfs "$folder"
done

# The control plane.
etcd_port=$(free_port) peer_port=$(free_port) api_port=$(free_port) read_only_port=$(free_port) health_port=$(free_port)
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 2 -subj /CN=test \
  -addext "subjectAltName=IP:127.0.0.1" 2>/dev/null
echo "secret,admin,1,system:masters" >"$work/tokens.csv"
start etcd "$assets/etcd" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
  --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$peer_port" \
  --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" --initial-cluster "default=http://127.0.0.1:$peer_port"
start apiserver "$assets/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --bind-address 127.0.0.1 \
  --secure-port "$api_port" --tls-cert-file "$work/cert.pem" --tls-private-key-file "$work/key.pem" \
  --token-auth-file "$work/tokens.csv" --authorization-mode RBAC --service-cluster-ip-range 10.0.0.0/24 \
  --service-account-issuer https://kubernetes.test --service-account-key-file "$work/cert.pem" \
  --service-account-signing-key-file "$work/key.pem" --disable-admission-plugins ServiceAccount \
  --advertise-address 127.0.0.1 --cert-dir "$work/generated" --allow-privileged
cat >"$work/kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: t, cluster: {server: "https://127.0.0.1:$api_port", certificate-authority: $work/cert.pem}}]
users: [{name: t, user: {token: secret}}]
contexts: [{name: t, context: {cluster: t, user: t}}]
current-context: t
YAML
k() { "$assets/kubectl" --kubeconfig "$work/kubeconfig" "$@"; }
until_so "the API server is ready" k get --raw /readyz

# The image: one program, without a registry.
gcc -O1 -static -o "$work/pod" "$here/pod.c"
python3 - "$work" <<'PY'
import hashlib, io, json, sys, tarfile
work = sys.argv[1]
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as tar:
    tar.add(f"{work}/pod", "pod")
layer = layer.getvalue()
config = json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/pod"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
manifest = json.dumps([{"Config": "config.json", "RepoTags": ["tonari.invalid/pod:1"], "Layers": ["layer.tar"]}]).encode()
with tarfile.open(f"{work}/image.tar", "w") as tar:
    for name, data in [("config.json", config), ("layer.tar", layer), ("manifest.json", manifest)]:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
PY

# The node.
cat >"$work/containerd.toml" <<TOML
version = 2
root = "$work/containerd"
state = "$work/state"
[grpc]
  address = "$work/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_tcp_service = true
  sandbox_image = "tonari.invalid/pod:1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
TOML
start containerd containerd --config "$work/containerd.toml"
until_so "containerd is ready" ctr --address "$work/containerd.sock" version
ctr --address "$work/containerd.sock" --namespace k8s.io images import "$work/image.tar" >/dev/null
mkdir -p "$work/kubelet/pods" "$work/kubelet/plugins/csi.tonari.dev" "$work/kubelet/plugins_registry" "$work/manifests"
# As on a node, where the driver's mounts and kubelet's are the same.
mount --bind "$work/kubelet" "$work/kubelet" && mount --make-shared "$work/kubelet"
cat >"$work/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
evictionHard: {}
port: $(free_port)
readOnlyPort: $read_only_port
healthzPort: $health_port
address: 127.0.0.1
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
YAML
start kubelet "$assets/kubelet" --config "$work/kubelet.yaml" --kubeconfig "$work/kubeconfig" --root-dir "$work/kubelet" \
  --cert-dir "$work/kubelet-certificates" --hostname-override node-1 --container-runtime=remote \
  --container-runtime-endpoint="unix://$work/containerd.sock" --v=2
until_so "the node is there" k get node node-1
say "kubelet: $("$assets/kubelet" --version), containerd: $(containerd --version | cut -d' ' -f3)"

# The driver, and a selector as the unprivileged user that it is in a cluster.
driver() {
  start "driver-$1" "$tonari" csi-driver --node-id node-1 --base-dir "$work/run" --kubelet-dir "$work/kubelet" \
    --selector-service-account tonari/tonari-selector --http "127.0.0.1:$2"
  until_so "kubelet knows the driver" curl -sf "http://127.0.0.1:$2/readyz"
}
sed "s/^ *security.openshift.io.*//" "$here/../../../manifests/csi/driver.yaml" | k apply -f - >/dev/null
driver 1 "$(free_port)"
say "kubelet knows the driver: $(k get csinode node-1 -o jsonpath='{.spec.drivers[*].name}')"

cat >"$work/replicas.yaml" <<YAML
services: [{name: shop/cart, replicas: [{address: "10.1.2.3:80"}]}]
YAML
chmod 755 "$work"
selector() {
  start "selector-$1" setpriv --reuid 65532 --regid 65532 --clear-groups -- "$tonari" selector \
    --pod-sockets "$work/run" --replicas "$work/replicas.yaml" --http "127.0.0.1:$2"
  until_so "the selector is ready" curl -sf "http://127.0.0.1:$2/readyz"
}
selector_port=$(free_port)
selector 1 "$selector_port"
selector_pid=${pids[-1]}

k create namespace shop >/dev/null
pod() {
  cat <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: shop}
spec:
  nodeName: node-1
  hostNetwork: true
  serviceAccountName: cart
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: 12345, runAsNonRoot: true}
  containers:
  - name: pod
    image: tonari.invalid/pod:1
    imagePullPolicy: Never
    args: [pick]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
    volumeMounts: [{name: tonari, mountPath: /tonari}]
  volumes:
  - name: tonari
    csi: {driver: csi.tonari.dev, readOnly: true${2-}}
YAML
}
says() { cat /var/log/pods/shop_"$1"_*/pod/*.log 2>/dev/null | cut -d' ' -f4-; }
says_picked() { says "$1" | grep -q '^picked: 10.1.2.3:80, completed: 0$'; }
pod cart-0 | k apply -f - >/dev/null
uid=$(k get pod -n shop cart-0 -o jsonpath='{.metadata.uid}')
until_so "the pod picks on its socket" says_picked cart-0
say "the pod says:"
says cart-0 | head -3 | sed 's/^/  /'
says cart-0 | grep -q '^user: 12345$'
says cart-0 | grep -q '^write: Read-only file system$'
say "the identity that kubelet gave: $(cat "$work/run/identities/$uid.json")"
[[ $(cat "$work/run/identities/$uid.json") == *'"name":"cart-0"'*'"namespace":"shop"'*'"serviceAccount":"cart"'* ]]
say "the sockets: $(ls "$work/run/pods/$uid" | xargs), mounted $(awk -v u="$uid" 'index($5, u) && index($5, "csi") { print $6 }' /proc/self/mountinfo)"
curl -sf "http://127.0.0.1:$selector_port/metrics" | grep '^tonari_selector_pods' | sed 's/^/  /'

# A pod's author cannot say that it is another, or the selector.
pod thief ', volumeAttributes: {csi.storage.k8s.io/pod.name: cart-0, csi.storage.k8s.io/serviceAccount.name: admin}' |
  k apply -f - >/dev/null
thief=$(k get pod -n shop thief -o jsonpath='{.metadata.uid}')
until_so "the second pod picks" says_picked thief
[[ $(cat "$work/run/identities/$thief.json") == *'"name":"thief"'*'"serviceAccount":"cart"'* ]]
say "whoever writes another's name gets its own: $(cat "$work/run/identities/$thief.json")"
pod rogue ', volumeAttributes: {role: selector, csi.storage.k8s.io/serviceAccount.name: tonari-selector, csi.storage.k8s.io/pod.namespace: tonari}' |
  k apply -f - >/dev/null
refused() { k get events -n shop --field-selector involvedObject.name=rogue -o jsonpath='{.items[*].message}' | grep -q 'shop/cart, expected tonari/tonari-selector'; }
until_so "the pod that wants the selector's volume is refused" refused
say "a pod that wants the selector's volume: $(k get events -n shop --field-selector involvedObject.name=rogue -o jsonpath='{.items[0].message}' | grep -o 'rpc error.*')"
k delete pod -n shop rogue --force --grace-period 0 >/dev/null 2>&1

# The selector is killed and starts again; the driver too. The pod goes on with the same volume.
kill -KILL "$selector_pid"
until_so "the pod sees that nobody serves" bash -c "tail -n 3 /var/log/pods/shop_cart-0_*/pod/*.log | grep -q 'open:'"
selector_port=$(free_port)
selector 2 "$selector_port"
picked_last() { says cart-0 | tail -n 1 | grep -q '^picked'; }
until_so "the pod picks again" picked_last
say "after a kill of the selector the pod picks again"
kill -KILL "${pids[4]}"
driver 2 "$(free_port)"
until_so "the pod picks still" picked_last
say "after a kill of the driver kubelet knows it again, and the pod picks still"

# With the pods everything goes.
k delete pod -n shop cart-0 thief --grace-period 0 --force >/dev/null 2>&1
gone() { [[ -z $(ls "$work/run/pods" "$work/run/identities" | grep -v :) ]]; }
until_so "folders and identities go with the pods" gone
until_so "the mounts go with the pods" bash -c "! grep -q kubernetes.io~csi /proc/self/mountinfo"
until_so "the selector serves nobody" bash -c "curl -sf http://127.0.0.1:$selector_port/metrics | grep -q 'tonari_selector_pods{state=\"served\"} 0'"
say "with the pods their folders, identities, mounts and sockets are gone"
