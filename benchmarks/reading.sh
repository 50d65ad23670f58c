#!/bin/sh
# Reading: a CSV of traffic by tonari and by peers that add up the same rows, each in a process of its own.
#
#   benchmarks/reading.sh [rows]        # a million by default; 36000000 make 2 GB
#
# TONARI names the binary; without it, the release build of this checkout.
set -eu
rows=${1:-1000000}
tonari=${TONARI:-$(dirname "$0")/../.build/release/tonari}
[ -x "$tonari" ] || { echo "$tonari: not found; build it with: swift build -c release" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The traffic of a thousand workloads over ten thousand edges, and the least cluster that a placement can be scored on.
python3 - "$rows" "$work" <<'PYTHON'
import json, random, sys
rows, work = int(sys.argv[1]), sys.argv[2]
random.seed(1)
names = [f"team-{i % 20}/service-{i:04d}" for i in range(1000)]
edges = [",".join(random.sample(names, 2)) for _ in range(10000)]
with open(f"{work}/traffic.csv", "w") as file:
    file.write("source,destination,bytes_per_second,requests_per_second\n")
    for _ in range(rows):
        file.write(f"{random.choice(edges)},{random.random() * 1e6:.3f},{random.random() * 1e3:.2f}\n")

def container(name):
    return {"name": name, "image": name, "resources": {"requests": {"cpu": "1"}}}

workload, labels = "service-0000", {"app": "service-0000"}
items = [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
     "status": {"allocatable": {"cpu": "8", "memory": "8Gi", "pods": "110"}}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "team-0", "name": workload},
     "spec": {"replicas": 1, "selector": {"matchLabels": labels},
              "template": {"metadata": {"labels": labels}, "spec": {"containers": [container(workload)]}}}},
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"namespace": "team-0", "name": f"{workload}-0", "labels": labels,
                  "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": workload,
                                       "controller": True}]},
     "spec": {"nodeName": "node-1", "containers": [container(workload)]}, "status": {"phase": "Running"}},
]
with open(f"{work}/cluster.json", "w") as file:
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, file)
PYTHON

cat > "$work/peer.py" <<'PYTHON'
import collections, csv, sys
sums = collections.defaultdict(lambda: [0.0, 0.0])
with open(sys.argv[1], newline="") as file:
    reader = csv.reader(file)
    next(reader)
    for source, destination, bytes_per_second, requests_per_second in reader:
        sum = sums[source, destination]
        sum[0] += float(bytes_per_second)
        sum[1] += float(requests_per_second)
PYTHON

measure() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys, time
start = time.monotonic()
status = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL).returncode
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = used.ru_utime + used.ru_stime
failed = f"  (exit status {status})" if status else ""
print(f"{sys.argv[1]:<12} {wall:8.2f} s {cpu:8.2f} s CPU {used.ru_maxrss / 1024:8.0f} MB{failed}")
PYTHON
}

echo "$rows rows, $(du -h "$work/traffic.csv" | cut -f1)"
measure "wc -l" wc -l "$work/traffic.csv"
measure "tonari" "$tonari" evaluate --cluster "$work/cluster.json" --traffic "$work/traffic.csv" -o json --quiet
measure "awk" awk -F, 'NR > 1 { b[$1 "," $2] += $3; r[$1 "," $2] += $4 }' "$work/traffic.csv"
measure "python csv" python3 "$work/peer.py" "$work/traffic.csv"
