// How long each stage of a search took.

import { element } from "/static/dom.js";

const STAGES = {
  decode: "reading",
  segment: "finding garments",
  parse: "cloth from skin",
  embed: "describing",
  search: "comparing",
};

export function drawTimings(target, timings) {
  const stages = Object.keys(STAGES).filter((stage) => typeof timings[stage] === "number");
  const bar = element("div", { className: "bar", "aria-hidden": "true" });
  const list = element("dl", {});
  for (const stage of stages) {
    const part = element("i", { className: `stage-${stage}` });
    part.style.flexGrow = String(Math.max(timings[stage], 0.1));
    bar.append(part);
    list.append(element("div", {},
      element("dt", {}, element("i", { className: `key stage-${stage}`, "aria-hidden": "true" }), STAGES[stage]),
      element("dd", { textContent: `${Math.round(timings[stage])} ms` })));
  }
  const total = typeof timings.total === "number" ? `Found in ${Math.round(timings.total).toLocaleString()} ms` : "";
  target.replaceChildren(element("p", { className: "total", textContent: total }), bar, list);
}
