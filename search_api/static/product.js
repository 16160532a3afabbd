// One product's view: its photos, what is known of it, and the products like it.

import { product as fetchProduct, similarTo } from "/static/api.js";
import { matchGrid, shopLink, skeletons } from "/static/cards.js";
import { colourList } from "/static/colours.js";
import { at, element } from "/static/dom.js";
import { shown, tellOpened } from "/static/feedback.js";
import { withKey } from "/static/key.js";
import { picture } from "/static/pictures.js";
import { land, onView } from "/static/router.js";
import { clear, complainOf } from "/static/trouble.js";
import { amount, priceText } from "/static/words.js";

let running = null;
let moves = 0;
let current = null;

function asText(value) {
  if (Array.isArray(value)) return value.map(asText).join(", ");
  if (value === true) return "yes";
  if (value === false) return "no";
  return String(value);
}

function facts(product) {
  const rows = [["Category", product.category], ["Brand", product.brand], ["Collections", product.collections.join(", ")],
    ...Object.entries(product.attributes).map(([name, value]) => [name, asText(value)]), ["Number", product.id]];
  return element("dl", { className: "known" }, ...rows.filter(([, value]) => value).map(([name, value]) =>
    element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value }))));
}

function standing(image) {
  if (image?.status === "waiting") return "This photo is not searchable yet.";
  if (image?.status === "failed") return `This photo is not searchable: ${image.reason ?? "it could not be read"}.`;
  return "";
}

function gallery(product) {
  const large = element("div", { className: "large" });
  const beneath = element("div", {});
  const thumbs = element("div", { className: "thumbs", role: "group", "aria-label": "Photos" });
  const choose = (index) => {
    const image = product.images[index];
    large.replaceChildren(picture(image?.image, `Photo of ${product.title || product.id}`));
    beneath.replaceChildren(colourList(image?.colours ?? []),
      element("p", { className: "pattern", textContent: image?.pattern ?? "" }), element("p", { className: "sure", textContent: standing(image) }));
    [...thumbs.children].forEach((thumb, place) => thumb.setAttribute("aria-pressed", String(place === index)));
  };
  if (product.images.length > 1) {
    thumbs.append(...product.images.map((image, index) => element("button", {
      type: "button", className: "thumb", "aria-label": `Photo ${index + 1}`, onclick: () => choose(index),
    }, picture(image.image))));
  }
  choose(Math.max(0, product.images.findIndex((image) => image.status === "indexed")));
  return element("div", { className: "gallery" }, large, thumbs.children.length ? thumbs : null, beneath);
}

function draw(product) {
  document.title = `${product.title || product.id} · Garb`;
  at("product-title").textContent = product.title || product.id;
  at("product-price").textContent = priceText(product);
  at("product-link").replaceChildren(...[shopLink(product.url, "See it in the shop")].filter(Boolean));
  at("product-gallery").replaceChildren(gallery(product));
  at("product-facts").replaceChildren(facts(product));
}

function empty() {
  for (const id of ["product-price", "product-link", "product-facts"]) at(id).replaceChildren();
  at("product-title").textContent = "…";
  at("product-gallery").replaceChildren(element("div", { className: "large" }, element("div", { className: "picture waiting" })));
  at("similar").replaceChildren(skeletons(6));
}

async function load(id) {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  clear(at("product-trouble"));
  at("product-page").hidden = false;
  if (id !== current) at("similar-but").value = "";
  current = id;
  empty();
  try {
    draw(await withKey(() => fetchProduct(id, { signal })));
    await loadSimilar(id, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    at("similar").replaceChildren();
    if (at("product-title").textContent === "…") at("product-page").hidden = true;
    complainOf(at("product-trouble"), error, () => load(id));
  }
}

async function loadSimilar(id, signal) {
  const words = at("similar-but").value.trim();
  const { matches, search } = await withKey(() => similarTo(id, { words, signal }));
  const grid = matches.length ? matchGrid(matches)
    : element("p", { className: "none", textContent: "Nothing else in the shop can be compared with it." });
  at("similar").replaceChildren(grid);
  at("similar-status").textContent = amount(matches.length, "similar product", "similar products");
  shown(search, {}, matches);
  if (matches.length) tellOpened(grid, search, {}, matches);
}

async function searchAgain() {
  running?.abort();
  running = new AbortController();
  clear(at("product-trouble"));
  at("similar").replaceChildren(skeletons(6));
  try {
    await loadSimilar(current, running.signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    at("similar").replaceChildren();
    complainOf(at("product-trouble"), error, searchAgain);
  }
}

export function startProduct() {
  at("similar-form").addEventListener("submit", (event) => {
    event.preventDefault();
    searchAgain();
  });
  at("back").addEventListener("click", (event) => {
    // Opened by its address there is nothing to go back to: the link leads to the catalog.
    if (!moves) return;
    event.preventDefault();
    history.back();
  });
  onView("product", (asked, move) => {
    if (move.moved) moves += 1;
    load(asked.get("product"));
    land(at("product-title"), { moved: move.moved });
  });
}
