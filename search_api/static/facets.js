// What may be chosen among the products found: values of a field and how many have each.

import { element } from "/static/dom.js";

export const FIELDS = ["brand", "category", "colour", "pattern", "tag", "price"];

const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const sameRange = (one, other) => one.from === other.from && one.to === other.to;

// Chosen values by field: { brand: ["Acme"], price: [{ from: 10, to: 20 }] }.
export class Choices {
  constructor(text = "") {
    this.byField = {};
    try {
      const told = JSON.parse(text || "{}");
      for (const field of FIELDS) if (Array.isArray(told[field]) && told[field].length) this.byField[field] = told[field];
    } catch {
      // An address that somebody cut short chooses nothing.
    }
  }

  get text() { return Object.keys(this.byField).length ? JSON.stringify(this.byField) : ""; }

  of(field) { return this.byField[field] ?? []; }

  has(field, value) {
    return this.of(field).some((one) => (field === "price" ? sameRange(one, value) : one === value));
  }

  toggle(field, value) {
    const left = this.of(field).filter((one) => !(field === "price" ? sameRange(one, value) : one === value));
    const added = left.length === this.of(field).length;
    // Prices are counted anew within the range chosen: another one narrows it, and stands alone.
    const next = added ? [...(field === "price" ? [] : left), value] : left;
    if (next.length) this.byField[field] = next;
    else delete this.byField[field];
  }

  clear() { this.byField = {}; }

  // As the server reads it: one of the values of a field, and so for every field.
  get filter() {
    const parts = Object.entries(this.byField).map(([field, values]) => values
      .map((value) => (field === "price" ? priceFilter(value) : `${field} = ${quoted(value)}`)).join(" OR "));
    return parts.map((part) => `(${part})`).join(" AND ");
  }
}

function priceFilter({ from, to }) {
  const bounds = [from === null ? "" : `price >= ${from}`, to === null ? "" : `price < ${to}`].filter(Boolean);
  return bounds.length ? `(${bounds.join(" AND ")})` : "price >= 0";
}

// A filter alone stays as it is: a complaint about it names a column.
export function joined(...filters) {
  const given = filters.filter(Boolean);
  return given.length > 1 ? given.map((one) => `(${one})`).join(" AND ") : given[0] ?? "";
}

function rangeText({ from, to }) {
  if (from === null) return to === null ? "any" : `under ${to}`;
  return to === null ? `from ${from}` : `${from}–${to}`;
}

function options(field, facet, choices) {
  const counted = field === "price"
    ? facet.ranges.map(({ from, to, count }) => ({ value: { from, to }, count }))
    : facet.values;
  const kept = choices.of(field).filter((value) => !counted.some((one) =>
    (field === "price" ? sameRange(one.value, value) : one.value === value)));
  return [...kept.map((value) => ({ value, count: null })), ...counted];
}

// `change` is called after a choice.
export function drawFacets(target, facets, choices, change) {
  // Where the last choice was made stays focused, though it is drawn anew.
  const focused = target.contains(document.activeElement) ? document.activeElement.id : null;
  const groups = FIELDS.map((field) => [field, options(field, facets?.[field] ?? { values: [], ranges: [] }, choices)])
    .filter(([field, found]) => found.length > 1 || choices.of(field).length)
    .map(([field, found]) => group(target.id, field, found, choices, change));
  const clear = choices.text && element("button", {
    type: "button", className: "plain", textContent: "Choose anew", onclick: () => { choices.clear(); change(); },
  });
  target.replaceChildren(...groups, ...(clear ? [clear] : []));
  target.hidden = !groups.length;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function group(prefix, field, found, choices, change) {
  const chips = found.map(({ value, count }) => {
    const text = field === "price" ? rangeText(value) : value;
    return element("button", {
      type: "button", className: "chip", id: `${prefix}-${field}-${text}`, "aria-pressed": String(choices.has(field, value)),
      onclick: () => { choices.toggle(field, value); change(); },
    }, text, count === null ? null : element("span", { className: "count", textContent: ` ${count}` }));
  });
  const chosen = choices.of(field).length;
  const told = element("details", { open: Boolean(chosen), className: "facet" },
    element("summary", {}, field, chosen ? element("span", { className: "count", textContent: ` ${chosen} chosen` }) : null),
    element("div", { className: "chips", role: "group", "aria-label": field }, ...chips));
  return told;
}
