/* placement.mod: on which node does each replica run?

   What `tonari plan` minimizes, in GLPK's MathProg. Any instance can be solved with it:

       tonari plan … --export-model DIR
       glpsol -m models/placement.mod -d DIR/placement.dat

   A request is served on its own node as long as a replica there has room, then in its own zone. So of an edge
   between workloads u and v, the share min(x[u,n] / R_u, x[v,n] / R_v) of its traffic onNode on node n. */

/* ---- The cluster ---- */

set NODES;
set ZONES;
set RESOURCES;

param zone{NODES}, symbolic, in ZONES;
/* What a node can give in all, and what pods outside the plan use of it. Amounts of a resource are in any unit. */
param allocatable{NODES, RESOURCES}, >= 0;
param reserved{NODES, RESOURCES}, >= 0, default 0;
/* What is left for the plan: allocatable less reserved, rounded as amounts are whole. */
param capacity{n in NODES, k in RESOURCES}, >= 0, default max(0, allocatable[n,k] - reserved[n,k]);

/* ---- What runs on it ---- */

set WORKLOADS;

param replicas{WORKLOADS}, integer, >= 0;
/* What one replica requests. */
param request{WORKLOADS, RESOURCES}, >= 0, default 0;
/* The most replicas that a node may hold: selectors, affinity, taints. */
param limit{w in WORKLOADS, n in NODES}, integer, >= 0, default replicas[w];
/* Workloads that run already, and where. */
set RUNNING, within WORKLOADS, default {};
param current{RUNNING, NODES}, integer, >= 0, default 0;

/* ---- The traffic: edges between two workloads, both directions in one ---- */

set EDGES, default {};

param u{EDGES}, symbolic, in WORKLOADS;
param v{EDGES}, symbolic, in WORKLOADS;

/* Several matrices of traffic may be planned together, such as day and night. What counts is their mean, by their
   weights; or, where `worst` is 1, the one that is served worst, each seen as a share of its own total. */
set MATRICES, default {};
param weight{MATRICES}, > 0, default 1;
param worst, binary, default 0;
param matrix{MATRICES, EDGES}, >= 0, default 0;
param matrixTotal{m in MATRICES} := sum{e in EDGES} matrix[m,e];

/* Of each edge: given where there are no matrices. */
param traffic{e in EDGES}, > 0, default
   (sum{m in MATRICES} weight[m] * matrix[m,e]) / (sum{m in MATRICES} weight[m]);

/* ---- The weights, all in the unit of traffic ---- */

/* What traffic costs that leaves its node; and its zone, on top. */
param leavingNode, >= 0, default 1;
param leavingZone, >= 0, default 3;
/* lambda: what a peak utilization of 1 costs. */
param lambda, >= 0, default 0;
/* mu: what a moved replica costs; and the most that may move, below 0 for any number. */
param mu, >= 0, default 0;
param maxMoves, integer, default -1;

/* ---- Rules beyond capacities and limits ----

   They speak of domains of a partition of the nodes: hosts, zones, racks. A node may be in no domain. */

set PARTITIONS, default {};
set DOMAINS{PARTITIONS}, default {};
set MEMBERS{p in PARTITIONS, DOMAINS[p]}, within NODES;
set OUTSIDE{p in PARTITIONS} := {n in NODES: sum{d in DOMAINS[p]: n in MEMBERS[p,d]} 1 = 0};

/* At most so many replicas of a workload in each domain. */
set AT_MOST, default {};
param mostWorkload{AT_MOST}, symbolic, in WORKLOADS;
param mostPartition{AT_MOST}, symbolic, in PARTITIONS;
param mostCount{AT_MOST}, integer, >= 0;

/* Two workloads that never share a domain. */
set APART, default {};
param apartWorkload{APART}, symbolic, in WORKLOADS;
param apartOther{APART}, symbolic, in WORKLOADS;
param apartPartition{APART}, symbolic, in PARTITIONS;

/* Each replica in a domain that holds one of the others, or a pod outside the plan that will do. */
set TOGETHER, default {};
param togetherWorkload{TOGETHER}, symbolic, in WORKLOADS;
param togetherPartition{TOGETHER}, symbolic, in PARTITIONS;
set OTHERS{TOGETHER}, within WORKLOADS, default {};
set PRESENT{TOGETHER}, default {};

/* No domain that holds a replica has more than maxSkew counted replicas more than the emptiest of the eligible; the
   emptiest counts as 0 where fewer than minDomains are eligible. `base` are pods outside the plan that count. */
set SPREAD, default {};
param spreadWorkload{SPREAD}, symbolic, in WORKLOADS;
param spreadPartition{SPREAD}, symbolic, in PARTITIONS;
set COUNTED{SPREAD}, within WORKLOADS, default {};
set ELIGIBLE{SPREAD}, default {};
param maxSkew{SPREAD}, integer, >= 0;
param minDomains{SPREAD}, integer, >= 0, default 0;
param base{r in SPREAD, ELIGIBLE[r]}, integer, >= 0, default 0;

/* ---- Decisions ---- */

/* x[w,n]: replicas of w on n. */
var x{w in WORKLOADS, n in NODES}, integer, >= 0, <= min(limit[w,n], replicas[w]);

/* onNode[e,n]: share of the edge that never leaves the node; inZone[e,d] the same for the zone. */
set LIVE := {e in EDGES: replicas[u[e]] > 0 and replicas[v[e]] > 0};
var onNode{LIVE, NODES}, >= 0;
var inZone{LIVE, ZONES}, >= 0;

/* U: peak utilization of any resource on any node. */
var peak, >= 0;

/* The matrices of which the worst counts, the mean of their totals, and what traffic costs with the worst. */
set WORST := {m in MATRICES: worst = 1 and matrixTotal[m] > 0};
param meanTotal := (sum{m in WORST} matrixTotal[m]) / max(1, card(WORST));
var worstCost, >= 0;

/* left[w,n]: replicas that run on the node now and will not. */
var left{w in RUNNING, n in NODES: current[w,n] > 0}, >= 0;

s.t. placed{w in WORKLOADS}: sum{n in NODES} x[w,n] = replicas[w];

s.t. fits{n in NODES, k in RESOURCES}: sum{w in WORKLOADS} request[w,k] * x[w,n] <= capacity[n,k];

s.t. onNodeU{e in LIVE, n in NODES}: replicas[u[e]] * onNode[e,n] <= x[u[e],n];
s.t. onNodeV{e in LIVE, n in NODES}: replicas[v[e]] * onNode[e,n] <= x[v[e],n];

s.t. inZoneU{e in LIVE, d in ZONES}: replicas[u[e]] * inZone[e,d] <= sum{n in NODES: zone[n] = d} x[u[e],n];
s.t. inZoneV{e in LIVE, d in ZONES}: replicas[v[e]] * inZone[e,d] <= sum{n in NODES: zone[n] = d} x[v[e],n];

s.t. worstOf{m in WORST}:
   meanTotal / matrixTotal[m] * (
      sum{e in EDGES} matrix[m,e] * leavingNode - sum{e in LIVE, n in NODES} matrix[m,e] * leavingNode * onNode[e,n]
      + sum{e in EDGES: card(ZONES) > 1} matrix[m,e] * leavingZone
      - sum{e in LIVE, d in ZONES: card(ZONES) > 1} matrix[m,e] * leavingZone * inZone[e,d]
   ) <= worstCost;

s.t. utilization{n in NODES, k in RESOURCES: allocatable[n,k] > 0}:
   (reserved[n,k] + sum{w in WORKLOADS} request[w,k] * x[w,n]) / allocatable[n,k] <= peak;

s.t. leaves{w in RUNNING, n in NODES: current[w,n] > 0}: left[w,n] >= current[w,n] - x[w,n];

/* Replicas that a workload gives up as it shrinks are no moves. At least so many leave in any case. */
param gone{w in RUNNING} := max(0, sum{n in NODES} current[w,n] - replicas[w]);
s.t. moves{1..1: maxMoves >= 0}:
   sum{w in RUNNING, n in NODES: current[w,n] > 0} left[w,n] <= maxMoves + sum{w in RUNNING} gone[w];

/* ---- Rules ---- */

s.t. atMost{r in AT_MOST, d in DOMAINS[mostPartition[r]]}:
   sum{n in MEMBERS[mostPartition[r],d]} x[mostWorkload[r],n] <= mostCount[r];

/* side[r,d] = 1: the domain is for the one, 0: for the other. */
var side{r in APART, DOMAINS[apartPartition[r]]}, binary;
s.t. apartOne{r in APART, d in DOMAINS[apartPartition[r]]}:
   sum{n in MEMBERS[apartPartition[r],d]} x[apartWorkload[r],n] <= replicas[apartWorkload[r]] * side[r,d];
s.t. apartTwo{r in APART, d in DOMAINS[apartPartition[r]]}:
   sum{n in MEMBERS[apartPartition[r],d]} x[apartOther[r],n] <= replicas[apartOther[r]] * (1 - side[r,d]);

s.t. together{r in TOGETHER, d in DOMAINS[togetherPartition[r]] diff PRESENT[r]: togetherWorkload[r] not in OTHERS[r]}:
   sum{n in MEMBERS[togetherPartition[r],d]} x[togetherWorkload[r],n]
   <= replicas[togetherWorkload[r]] * sum{o in OTHERS[r], n in MEMBERS[togetherPartition[r],d]} x[o,n];
s.t. togetherInside{r in TOGETHER, n in OUTSIDE[togetherPartition[r]]}: x[togetherWorkload[r],n] = 0;

/* holds[r,d] = 1 where the domain holds a replica of the workload. */
var holds{r in SPREAD, ELIGIBLE[r]}, binary;
var emptiest{SPREAD}, >= 0;
param most{r in SPREAD, d in ELIGIBLE[r]} := base[r,d] + sum{c in COUNTED[r]} replicas[c];
s.t. holding{r in SPREAD, d in ELIGIBLE[r]}:
   sum{n in MEMBERS[spreadPartition[r],d]} x[spreadWorkload[r],n] <= replicas[spreadWorkload[r]] * holds[r,d];
s.t. emptiestOf{r in SPREAD, d in ELIGIBLE[r]}:
   emptiest[r] <= base[r,d] + sum{c in COUNTED[r], n in MEMBERS[spreadPartition[r],d]} x[c,n];
s.t. emptiestNone{r in SPREAD: card(ELIGIBLE[r]) < minDomains[r]}: emptiest[r] = 0;
s.t. skew{r in SPREAD, d in ELIGIBLE[r]}:
   base[r,d] + sum{c in COUNTED[r], n in MEMBERS[spreadPartition[r],d]} x[c,n]
   <= maxSkew[r] + emptiest[r] + most[r,d] * (1 - holds[r,d]);
s.t. spreadInside{r in SPREAD, n in OUTSIDE[spreadPartition[r]]}: x[spreadWorkload[r],n] = 0;

/* ---- What is minimized ---- */

set SUMMED := {e in LIVE: card(WORST) = 0};
minimize cost:
     sum{e in SUMMED} traffic[e] * leavingNode * (1 - sum{n in NODES} onNode[e,n])
   + sum{e in SUMMED: card(ZONES) > 1} traffic[e] * leavingZone * (1 - sum{d in ZONES} inZone[e,d])
   + sum{1..1: card(WORST) > 0} worstCost
   + lambda * peak
   + mu * (sum{w in RUNNING, n in NODES: current[w,n] > 0} left[w,n] - sum{w in RUNNING} gone[w]);

solve;

param moved := sum{w in RUNNING} (sum{n in NODES} max(0, current[w,n] - x[w,n]) - gone[w]);
param crossing :=
     (if card(WORST) > 0 then worstCost else 0)
   + sum{e in SUMMED} traffic[e] * leavingNode * (1 - sum{n in NODES} onNode[e,n])
   + sum{e in SUMMED: card(ZONES) > 1} traffic[e] * leavingZone * (1 - sum{d in ZONES} inZone[e,d]);
printf "\ncost %.10g: traffic %.10g, peak utilization %.4f, moves %d\n",
   crossing + lambda * peak + mu * moved, crossing, peak, moved;
for {n in NODES} {
   printf "%s:", n;
   for {w in WORKLOADS: x[w,n] > 0.5} printf " %s %d", w, x[w,n];
   printf "\n";
}

end;
