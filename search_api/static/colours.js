// Colours as swatches: dots beside a name, or a list that names each with its share.

import { element } from "/static/dom.js";
import { percent } from "/static/words.js";

function dot(colour) {
  const made = element("span", { className: "swatch", "aria-hidden": "true" });
  made.style.backgroundColor = colour.hex;
  return made;
}

export function colourDots(colours) {
  return element("span", { className: "dots", "aria-hidden": "true" }, ...colours.map(dot));
}

export function colourList(colours) {
  return element("ul", { className: "colours", "aria-label": "Colours" }, ...colours.map((colour) =>
    element("li", { title: colour.hex }, dot(colour), element("span", { textContent: colour.name }),
      element("span", { className: "share", textContent: percent(colour.share) }))));
}
