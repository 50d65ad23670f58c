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
/* The most replicas that a node may hold where one of them starts there: selectors, affinity, taints. */
param limit{w in WORKLOADS, n in NODES}, integer, >= 0, default replicas[w];
/* Workloads that run already, and where. */
set RUNNING, within WORKLOADS, default {};
param current{RUNNING, NODES}, integer, >= 0, default 0;
/* Where they run but may not stay: taints with NoExecute. */
param evicted{WORKLOADS, NODES}, binary, default 0;

/* May stay, may not start. Kubernetes asks a constraint of a pod when it starts, and lets it run on. stay[w,n]: replicas
   that may stay; a replica starts on a node where x[w,n] > stay[w,n]. Where nothing starts, what runs may stay on a node
   that would not take it or is too full, and in a domain where a rule is broken already. What holds now is kept. */
param stay{w in WORKLOADS, n in NODES} := if w in RUNNING and evicted[w,n] = 0 then current[w,n] else 0;
/* Replicas that a workload gives up as it shrinks. They are no moves, and may be any. */
param gone{w in WORKLOADS} := if w in RUNNING then max(0, sum{n in NODES} current[w,n] - replicas[w]) else 0;

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

/* Each replica in a domain that holds one of the others, or another one of STAYING that stays there, or a pod outside the
   plan that will do. The workload may be in STAYING itself. Where mayBeFirst, a replica may also be the first of its kind (affinity of a workload to itself): then
   one domain, whichever it is, holds all replicas of the workload, of OTHERS and of STAYING that are in any. */
set TOGETHER, default {};
param togetherWorkload{TOGETHER}, symbolic, in WORKLOADS;
param togetherPartition{TOGETHER}, symbolic, in PARTITIONS;
param mayBeFirst{TOGETHER}, binary, default 0;
set OTHERS{TOGETHER}, within WORKLOADS, default {};
set STAYING{TOGETHER}, within WORKLOADS, default {};
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
var x{w in WORKLOADS, n in NODES}, integer, >= 0, <= min(max(limit[w,n], stay[w,n]), replicas[w]);

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

/* Nodes that are too full of a resource now. takes[n,k] = 1 where a replica that requests it starts there. */
param held{n in NODES, k in RESOURCES} := sum{w in WORKLOADS} request[w,k] * stay[w,n];
set FULL := setof{n in NODES, k in RESOURCES: held[n,k] > capacity[n,k]} (n,k);
var takes{FULL}, binary;
s.t. taking{(n,k) in FULL, w in WORKLOADS: request[w,k] > 0}: x[w,n] <= stay[w,n] + replicas[w] * takes[n,k];
s.t. fits{n in NODES, k in RESOURCES: (n,k) not in FULL}:
   sum{w in WORKLOADS} request[w,k] * x[w,n] <= capacity[n,k];
s.t. fitsFull{(n,k) in FULL}:
   sum{w in WORKLOADS} request[w,k] * x[w,n] <= held[n,k] - (held[n,k] - capacity[n,k]) * takes[n,k];

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

/* Of what leaves, at least gone[w] leave in any case. */
s.t. moves{1..1: maxMoves >= 0}:
   sum{w in RUNNING, n in NODES: current[w,n] > 0} left[w,n] <= maxMoves + sum{w in RUNNING} gone[w];

/* ---- Rules ----

   BROKEN…: domains in which a rule is broken now. There it holds where a replica of the workload that it binds starts
   (starts… = 1), and may stay broken otherwise. */

set BROKEN_MOST := setof{r in AT_MOST, d in DOMAINS[mostPartition[r]]:
   sum{n in MEMBERS[mostPartition[r],d]} stay[mostWorkload[r],n] > mostCount[r]} (r,d);
var startsMost{BROKEN_MOST}, binary;
s.t. startingMost{(r,d) in BROKEN_MOST, n in MEMBERS[mostPartition[r],d]}:
   x[mostWorkload[r],n] <= stay[mostWorkload[r],n] + replicas[mostWorkload[r]] * startsMost[r,d];
s.t. atMost{r in AT_MOST, d in DOMAINS[mostPartition[r]]}:
   sum{n in MEMBERS[mostPartition[r],d]} x[mostWorkload[r],n]
   <= mostCount[r] + replicas[mostWorkload[r]] * (if (r,d) in BROKEN_MOST then 1 - startsMost[r,d] else 0);

/* side[r,d] = 1: the domain is for the one, 0: for the other. */
set BROKEN_APART := setof{r in APART, d in DOMAINS[apartPartition[r]]:
   sum{n in MEMBERS[apartPartition[r],d]} stay[apartWorkload[r],n] > 0
   and sum{n in MEMBERS[apartPartition[r],d]} stay[apartOther[r],n] > 0} (r,d);
var startsApart{BROKEN_APART}, binary;
s.t. startingApart{(r,d) in BROKEN_APART, n in MEMBERS[apartPartition[r],d]}:
   x[apartWorkload[r],n] <= stay[apartWorkload[r],n] + replicas[apartWorkload[r]] * startsApart[r,d];
s.t. startingOther{(r,d) in BROKEN_APART, n in MEMBERS[apartPartition[r],d]}:
   x[apartOther[r],n] <= stay[apartOther[r],n] + replicas[apartOther[r]] * startsApart[r,d];
var side{r in APART, DOMAINS[apartPartition[r]]}, binary;
s.t. apartOne{r in APART, d in DOMAINS[apartPartition[r]]}:
   sum{n in MEMBERS[apartPartition[r],d]} x[apartWorkload[r],n]
   <= replicas[apartWorkload[r]] * (side[r,d] + (if (r,d) in BROKEN_APART then 1 - startsApart[r,d] else 0));
s.t. apartTwo{r in APART, d in DOMAINS[apartPartition[r]]}:
   sum{n in MEMBERS[apartPartition[r],d]} x[apartOther[r],n]
   <= replicas[apartOther[r]] * (1 - side[r,d] + (if (r,d) in BROKEN_APART then 1 - startsApart[r,d] else 0));

/* first[r,d] = 1: no other domain holds replicas of the workload, of OTHERS or of STAYING. */
set NEAR{r in TOGETHER} := OTHERS[r] union STAYING[r];
set BROKEN_TOGETHER := setof{r in TOGETHER, d in DOMAINS[togetherPartition[r]] diff PRESENT[r]:
   sum{n in MEMBERS[togetherPartition[r],d]} stay[togetherWorkload[r],n] > 0
   and (togetherWorkload[r] not in STAYING[r]
      or sum{n in MEMBERS[togetherPartition[r],d]} stay[togetherWorkload[r],n] = 1)
   and sum{o in NEAR[r]: o <> togetherWorkload[r]}
      max(0, sum{n in MEMBERS[togetherPartition[r],d]} stay[o,n] - gone[o]) = 0
   and (mayBeFirst[r] = 0 or sum{o in {togetherWorkload[r]} union NEAR[r], f in DOMAINS[togetherPartition[r]] diff {d},
      n in MEMBERS[togetherPartition[r],f]} stay[o,n] > 0)} (r,d);
var startsTogether{BROKEN_TOGETHER}, binary;
s.t. startingTogether{(r,d) in BROKEN_TOGETHER, n in MEMBERS[togetherPartition[r],d]}:
   x[togetherWorkload[r],n] <= stay[togetherWorkload[r],n] + replicas[togetherWorkload[r]] * startsTogether[r,d];
var first{r in TOGETHER, d in DOMAINS[togetherPartition[r]]}, binary, <= mayBeFirst[r];
/* company[r,d] = 1: the domain holds two replicas of the workload, one of which stays. */
var company{r in TOGETHER, d in DOMAINS[togetherPartition[r]]: togetherWorkload[r] in STAYING[r]}, binary;
s.t. twoOfThem{r in TOGETHER, d in DOMAINS[togetherPartition[r]]: togetherWorkload[r] in STAYING[r]}:
   2 * company[r,d] <= sum{n in MEMBERS[togetherPartition[r],d]} x[togetherWorkload[r],n];
s.t. oneStays{r in TOGETHER, d in DOMAINS[togetherPartition[r]]: togetherWorkload[r] in STAYING[r]}:
   company[r,d] <= sum{n in MEMBERS[togetherPartition[r],d]: stay[togetherWorkload[r],n] > 0} x[togetherWorkload[r],n];
s.t. oneFirst{r in TOGETHER, d in DOMAINS[togetherPartition[r]], w in {togetherWorkload[r]} union NEAR[r]}:
   sum{n in MEMBERS[togetherPartition[r],d]} x[w,n]
   <= replicas[w] * (1 - sum{f in DOMAINS[togetherPartition[r]]: f <> d} first[r,f]);
s.t. together{r in TOGETHER, d in DOMAINS[togetherPartition[r]] diff PRESENT[r]: togetherWorkload[r] not in OTHERS[r]}:
   sum{n in MEMBERS[togetherPartition[r],d]} x[togetherWorkload[r],n]
   <= replicas[togetherWorkload[r]] * (first[r,d]
      + sum{o in OTHERS[r], n in MEMBERS[togetherPartition[r],d]} x[o,n]
      + (if togetherWorkload[r] in STAYING[r] then company[r,d] else 0)
      + sum{o in STAYING[r], n in MEMBERS[togetherPartition[r],d]: o <> togetherWorkload[r] and stay[o,n] > 0} x[o,n]
      + (if (r,d) in BROKEN_TOGETHER then 1 - startsTogether[r,d] else 0));
s.t. togetherInside{r in TOGETHER, n in OUTSIDE[togetherPartition[r]]}:
   x[togetherWorkload[r],n] <= stay[togetherWorkload[r],n];

/* holds[r,d] = 1 where the domain holds a replica of the workload; where the rule is broken now, where one starts. */
var holds{r in SPREAD, ELIGIBLE[r]}, binary;
var emptiest{SPREAD}, >= 0;
param most{r in SPREAD, d in ELIGIBLE[r]} := base[r,d] + sum{c in COUNTED[r]} replicas[c];
param emptiestNow{r in SPREAD} := if card(ELIGIBLE[r]) < minDomains[r] or card(ELIGIBLE[r]) = 0 then 0
   else min{d in ELIGIBLE[r]} (base[r,d] + sum{c in COUNTED[r]}
      max(0, sum{n in MEMBERS[spreadPartition[r],d]} stay[c,n] - (if c = spreadWorkload[r] then 0 else gone[c])));
set BROKEN_SPREAD := setof{r in SPREAD, d in ELIGIBLE[r]:
   sum{n in MEMBERS[spreadPartition[r],d]} stay[spreadWorkload[r],n] > 0
   and base[r,d] + sum{c in COUNTED[r], n in MEMBERS[spreadPartition[r],d]} stay[c,n] > maxSkew[r] + emptiestNow[r]} (r,d);
s.t. holding{r in SPREAD, d in ELIGIBLE[r]: (r,d) not in BROKEN_SPREAD}:
   sum{n in MEMBERS[spreadPartition[r],d]} x[spreadWorkload[r],n] <= replicas[spreadWorkload[r]] * holds[r,d];
s.t. startingSpread{(r,d) in BROKEN_SPREAD, n in MEMBERS[spreadPartition[r],d]}:
   x[spreadWorkload[r],n] <= stay[spreadWorkload[r],n] + replicas[spreadWorkload[r]] * holds[r,d];
s.t. emptiestOf{r in SPREAD, d in ELIGIBLE[r]}:
   emptiest[r] <= base[r,d] + sum{c in COUNTED[r], n in MEMBERS[spreadPartition[r],d]} x[c,n];
s.t. emptiestNone{r in SPREAD: card(ELIGIBLE[r]) < minDomains[r]}: emptiest[r] = 0;
s.t. skew{r in SPREAD, d in ELIGIBLE[r]}:
   base[r,d] + sum{c in COUNTED[r], n in MEMBERS[spreadPartition[r],d]} x[c,n]
   <= maxSkew[r] + emptiest[r] + most[r,d] * (1 - holds[r,d]);
s.t. spreadInside{r in SPREAD, n in OUTSIDE[spreadPartition[r]]}: x[spreadWorkload[r],n] <= stay[spreadWorkload[r],n];

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
