/* overflow.mod: which cluster serves what is too much for another?

   What `tonari overflow plan` minimizes, in GLPK's MathProg:

       glpsol -m models/overflow.mod -d models/edges.dat

   All that fits stays where it arrives. The rest goes to clusters with room, one hop at most, or is shed. */

set CLUSTERS;
set SERVICES;

/* Requests per minute that arrive, and that a cluster can bear. */
param demand{SERVICES, CLUSTERS}, >= 0, default 0;
param capacity{SERVICES, CLUSTERS}, >= 0, default 0;
/* What a request costs that goes from the first cluster to the second: a distance, a latency, a price. */
param cost{CLUSTERS, CLUSTERS}, >= 0, default 20;
/* What a request costs that nobody serves. */
param shedCost, >= 0, default 1000;
/* 1 asks how far all demands can grow together before anything must be shed. */
param grow, binary, default 0;

/* ---- Decisions, in requests per minute ---- */

var stay{SERVICES, CLUSTERS}, >= 0;
var send{s in SERVICES, a in CLUSTERS, b in CLUSTERS: a <> b}, >= 0;
var shed{SERVICES, CLUSTERS}, >= 0, <= if grow then 0 else Infinity;
/* By how much all demands grow; 1 where nobody asks. */
var factor, >= if grow then 0 else 1, <= if grow then 1e6 else 1;

minimize objective:
  (if grow then -1 else 0) * factor
  + (if grow then 0 else 1) * (sum{s in SERVICES, a in CLUSTERS, b in CLUSTERS: a <> b} cost[a,b] * send[s,a,b]
    + shedCost * sum{s in SERVICES, a in CLUSTERS} shed[s,a]);

/* Every request stays, goes somewhere or is shed. */
subject to served{s in SERVICES, a in CLUSTERS}:
  stay[s,a] + sum{b in CLUSTERS: a <> b} send[s,a,b] + shed[s,a] = factor * demand[s,a];

/* No cluster gets more than it can bear. */
subject to bearable{s in SERVICES, b in CLUSTERS}:
  stay[s,b] + sum{a in CLUSTERS: a <> b} send[s,a,b] <= capacity[s,b];

/* All that fits stays. */
subject to home{s in SERVICES, a in CLUSTERS: not grow}:
  stay[s,a] >= min(demand[s,a], capacity[s,a]);

solve;

printf "cost %.10g: factor %.10g, sent %.10g, shed %.10g\n", objective, factor,
  sum{s in SERVICES, a in CLUSTERS, b in CLUSTERS: a <> b} send[s,a,b], sum{s in SERVICES, a in CLUSTERS} shed[s,a];
for {s in SERVICES, a in CLUSTERS, b in CLUSTERS: a <> b and send[s,a,b] > 1e-6} {
  printf "%s: %s -> %s %.10g\n", s, a, b, send[s,a,b];
}

end;
