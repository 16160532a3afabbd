// Tells the server which matches were shown and which were opened: ids and places, nothing else.

import { tellFeedback } from "/static/api.js";

// Nobody waits for it, and nobody is told when it fails.
const tell = (told) => { tellFeedback(told).catch(() => {}); };

export function shown(search, garment, matches) {
  if (search && matches.length) tell({ search, kind: "shown", ...garment, rank: matches.length });
}

// The links of a grid of matches, in their order.
export function tellOpened(grid, search, garment, matches) {
  [...grid.children].forEach((card, place) => {
    for (const link of card.querySelectorAll("a")) {
      link.addEventListener("click", () =>
        search && tell({ search, kind: "clicked", ...garment, product: matches[place].product.id, rank: place + 1 }));
    }
  });
}
