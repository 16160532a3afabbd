// The catalog's view: every product by page, or those that carry some words.

import { listProducts } from "/static/api.js";
import { card, skeletons } from "/static/cards.js";
import { at, element } from "/static/dom.js";
import { Choices, drawFacets, FIELDS } from "/static/facets.js";
import { withKey } from "/static/key.js";
import { addressOf, go, land, onView } from "/static/router.js";
import { clear, complainOf } from "/static/trouble.js";
import { amount } from "/static/words.js";

const A_PAGE = 24;

// Pages are asked for by the id they follow: where each page seen so far begins.
let begins = new Map();
let running = null;
let shown = null;
let staying = false; // A choice was made: the focus stays on it.

const coverOf = (product) => product.images.find((image) => image.status === "indexed") ?? product.images[0];

function read(asked) {
  const page = Math.max(1, Number.parseInt(asked.get("page"), 10) || 1);
  return { words: asked.get("words") ?? "", only: asked.get("only") ?? "", after: asked.get("after"), page };
}

const address = ({ words, only, after, page }) =>
  addressOf({ catalog: "", words, only, after, page: page > 1 ? String(page) : "" });

function pageLink(text, rel, to) {
  return to ? element("a", { className: "plain", href: to, rel, textContent: text }) : element("span", {});
}

function drawPager({ words, only, page }, { next, total }) {
  const known = begins.has(page - 1);
  const back = page > 1
    && address(known ? { words, only, after: begins.get(page - 1), page: page - 1 } : { words, only, after: null, page: 1 });
  const on = next && address({ words, only, after: next, page: page + 1 });
  // An address kept from a larger shop may name a page behind the last.
  const pages = Math.max(page, Math.ceil(total / A_PAGE));
  at("pager").hidden = !back && !on;
  at("pager").replaceChildren(
    pageLink(known || page === 1 ? "← Previous" : "← First page", "prev", back),
    element("span", { className: "page", textContent: `Page ${page} of ${pages.toLocaleString()}` }),
    pageLink("Next →", "next", on));
}

function count({ words, only }, total) {
  if (!total && only) return "Nothing has all that you chose.";
  if (!total) return words ? `Nothing carries “${words}”.` : "The shop is empty: index a feed first.";
  const products = amount(total, "product", "products");
  return words ? `${products} with “${words}”` : products;
}

async function list(asked) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  const { words, only, after, page } = asked;
  const choices = new Choices(only);
  const { hash } = location;
  if (words !== shown?.words || only !== shown?.only) begins = new Map();
  begins.set(page, after);
  shown = { words, only, hash: null };
  at("words").value = words;
  at("words-clear").hidden = !words && !only;
  clear(at("catalog-trouble"));
  at("pager").hidden = true;
  at("catalog-list").replaceChildren(skeletons(12));
  at("catalog-list").setAttribute("aria-busy", "true");
  try {
    const found = await withKey(() => listProducts({
      words, filter: choices.filter, facets: FIELDS, after, limit: A_PAGE, signal,
    }));
    at("catalog-list").replaceChildren(element("ol", { className: "grid" },
      ...found.products.map((product) => card(product, coverOf(product)?.image))));
    drawPager(asked, found);
    drawFacets(at("catalog-facets"), found.facets, choices, () => {
      staying = true;
      go({ catalog: "", words, only: choices.text });
    });
    shown = { words, only, hash };
    at("catalog-count").textContent = count(asked, found.total);
  } catch (error) {
    if (error.name === "AbortError") return;
    at("catalog-list").replaceChildren();
    at("catalog-count").textContent = "";
    complainOf(at("catalog-trouble"), error, () => list(asked));
  } finally {
    if (!signal.aborted) at("catalog-list").setAttribute("aria-busy", "false");
  }
}

export function startCatalog() {
  at("words-form").addEventListener("submit", (event) => {
    event.preventDefault();
    go({ catalog: "", words: at("words").value.trim() });
  });
  onView("catalog", (query, moved) => {
    document.title = "Catalog · Garb";
    const asked = read(query);
    // Going back to a list that is still here shows it as it was left.
    if (shown?.hash !== location.hash) list(asked);
    if (document.activeElement !== at("words") && !staying) land(at("catalog-title"), moved);
    staying = false;
  });
}
