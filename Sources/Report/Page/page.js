"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const names = JSON.parse(document.getElementById("names").textContent);
  const readout = document.getElementById("readout");

  // Who talks to whom, by the edge table.
  const partners = new Map();
  for (const row of all("#edges tbody tr")) {
    const { u, v } = row.dataset;
    for (const [a, b] of [[u, v], [v, u]]) {
      if (!partners.has(a)) partners.set(a, new Set());
      partners.get(a).add(b);
    }
  }

  // Highlighting: what is pointed at, or else what was clicked, or else what the search finds.
  const items = new Map();
  for (const item of all("[data-w]", document.querySelector(".figures") ?? document)) {
    if (!items.has(item.dataset.w)) items.set(item.dataset.w, []);
    items.get(item.dataset.w).push(item);
  }
  const flows = all(".flow");
  const graphs = all("svg.graph");
  let pinned = new Set();
  let found = new Set();
  let marked = [];

  function show(workloads) {
    for (const element of marked) element.classList.remove("on", "near");
    marked = [];
    const mark = (element, name) => { element.classList.add(name); marked.push(element); };
    for (const graph of graphs) graph.classList.toggle("focused", workloads.size > 0);
    const nodes = new Map();
    for (const w of workloads) {
      for (const item of items.get(w) ?? []) {
        mark(item, "on");
        const svg = item.closest("svg");
        if (!nodes.has(svg)) nodes.set(svg, new Set());
        nodes.get(svg).add(item.parentNode.dataset.n);
      }
      for (const partner of partners.get(w) ?? []) {
        if (!workloads.has(partner)) for (const item of items.get(partner) ?? []) mark(item, "near");
      }
    }
    if (workloads.size === 0) return;
    for (const flow of flows) {
      const { u, v, a, b } = flow.dataset;
      const own = nodes.get(flow.closest("svg"));
      if (u !== undefined ? workloads.has(u) || workloads.has(v) : own?.has(a) && own.has(b)) mark(flow, "on");
    }
  }
  const rest = () => show(pinned.size > 0 ? pinned : found);

  function describe(target) {
    const title = target.querySelector(":scope > title");
    if (title) return title.textContent;
    const node = document.querySelector(`.node[data-n="${target.parentNode.dataset.n}"] > title`);
    const local = /\bl(\d+)\b/.exec(target.getAttribute("class"));
    return names[target.dataset.w] + ": " + target.dataset.r + (target.dataset.r === "1" ? " replica" : " replicas")
      + (node ? " on " + node.textContent.replace(/: .*/, "") : "")
      + (local ? ", about " + local[1] * 10 + " % of its traffic here stays on the node" : "");
  }
  for (const graph of graphs) {
    const enter = (event) => {
      const target = event.target.closest?.("[data-w], .flow");
      if (!target) {
        const node = event.target.closest?.(".node");
        readout.textContent = node ? node.querySelector("title").textContent : "";
        return rest();
      }
      readout.textContent = describe(target);
      const { w, u, v } = target.dataset;
      if (w !== undefined) show(new Set([w]));
      else if (u !== undefined) show(new Set([u, v]));
    };
    graph.addEventListener("pointerover", enter);
    graph.addEventListener("focusin", enter);
    graph.addEventListener("pointerleave", () => { readout.textContent = ""; rest(); });
    graph.addEventListener("focusout", rest);
    const pin = (event) => {
      const w = event.target.closest?.("[data-w]")?.dataset.w;
      pinned = w === undefined || pinned.has(w) ? new Set() : new Set([w]);
      rest();
    };
    graph.addEventListener("click", pin);
    graph.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pin(event); }
      if (event.key === "Escape") { pinned = new Set(); rest(); }
    });
  }

  // Sorting: a click sorts, numbers from the highest, another click turns the order around.
  for (const table of all("table")) {
    all("th", table).forEach((header, column) => {
      header.querySelector("button")?.addEventListener("click", () => {
        const numeric = header.classList.contains("number");
        const was = header.getAttribute("aria-sort");
        const descending = was === "none" || was === null ? numeric : was === "ascending";
        for (const other of all("th", table)) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
        header.setAttribute("aria-sort", descending ? "descending" : "ascending");
        const body = table.tBodies[0];
        const key = (row) => {
          const cell = row.cells[column];
          return numeric ? Number(cell.dataset.v ?? cell.textContent) : cell.textContent.trim();
        };
        const compare = numeric
          ? (a, b) => (Number.isNaN(a) ? -Infinity : a) - (Number.isNaN(b) ? -Infinity : b)
          : new Intl.Collator("en", { numeric: true }).compare;
        body.append(...[...body.rows].map((row) => [key(row), row])
          .sort((a, b) => (descending ? -1 : 1) * compare(a[0], b[0])).map((entry) => entry[1]));
      });
    });
  }

  // Searching: highlights in the pictures, and shows only rows that name what is sought.
  const search = document.getElementById("search");
  search?.addEventListener("input", () => {
    const text = search.value.trim().toLowerCase();
    found = new Set();
    if (text) names.forEach((name, w) => { if (name.toLowerCase().includes(text)) found.add(String(w)); });
    for (const row of all("tr[data-s]")) {
      row.hidden = text !== "" && !row.dataset.s.split(" ").some((w) => found.has(w));
    }
    pinned = new Set();
    rest();
  });
})();
