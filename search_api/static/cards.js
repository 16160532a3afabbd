// Products as a grid of cards: those that match, those of the catalog, those like another.

import { element } from "/static/dom.js";
import { picture } from "/static/pictures.js";
import { addressOf } from "/static/router.js";
import { priceText, webLink } from "/static/words.js";

export function shopLink(url, words) {
  const link = webLink(url);
  return link && element("a", { className: "shop", href: link, target: "_blank", rel: "noopener noreferrer" },
    words, element("span", { className: "arrow", textContent: " ↗", "aria-hidden": "true" }),
    element("span", { className: "unseen", textContent: " (opens a new tab)" }));
}

function likeness(score) {
  const bar = element("i", {});
  bar.style.width = `${Math.max(0, Math.min(1, score)) * 100}%`;
  return element("div", { className: "likeness", title: "Likeness, at most 1" },
    element("span", { className: "track", "aria-hidden": "true" }, bar),
    element("span", { className: "unseen", textContent: "Likeness " }),
    element("span", { className: "score", textContent: score.toFixed(2) }));
}

// `score` null: the product was not searched for by likeness; `folded`: how many near-identical ones it stands for.
export function card(product, image, score = null, folded = 0) {
  const open = element("a", { className: "open", href: addressOf({ product: product.id }) },
    product.title || product.id, element("span", { className: "unseen", textContent: " (details and similar products)" }));
  return element("li", { className: "card" },
    element("div", { className: "pictured" }, picture(image),
      element("span", { className: "cue", textContent: "Similar", "aria-hidden": "true" })),
    element("p", { className: "name" }, open),
    element("p", { className: "facts" },
      element("span", { className: "price", textContent: priceText(product) }),
      element("span", { className: "kind", textContent: product.category ?? "" })),
    score === null ? null : likeness(score),
    folded ? element("p", { className: "folded", textContent: `and ${folded} just like it` }) : null,
    shopLink(product.url, "In the shop"));
}

export function skeletons(count) {
  const list = element("ol", { className: "grid", "aria-hidden": "true" });
  for (let index = 0; index < count; index += 1) {
    list.append(element("li", { className: "card skeleton" },
      element("div", { className: "picture waiting" }), element("p", { className: "name" }), element("p", { className: "facts" })));
  }
  return list;
}

export function matchGrid(matches) {
  return element("ol", { className: "grid" },
    ...matches.map((match) => card(match.product, match.image, match.score, match.folded ?? 0)));
}
