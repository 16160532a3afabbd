// Products' photos as blobs, fetched when they come near the screen, the newest few hundred kept.

import { pictureFile } from "/static/api.js";
import { element } from "/static/dom.js";

const MOST_KEPT = 300;
const kept = new Map();

function load(path) {
  const known = kept.get(path);
  kept.delete(path);
  const waiting = known ?? pictureFile(path).then((file) => URL.createObjectURL(file));
  kept.set(path, waiting);
  waiting.catch(() => kept.delete(path));
  if (kept.size > MOST_KEPT) {
    const [oldest, url] = kept.entries().next().value;
    kept.delete(oldest);
    // What an <img> has loaded stays; only the address is given back.
    url.then(URL.revokeObjectURL, () => {});
  }
  return waiting;
}

async function fill(frame) {
  try {
    const image = element("img", { src: await load(frame.dataset.path), alt: frame.dataset.alt });
    await image.decode();
    frame.replaceChildren(image);
  } catch {
    frame.replaceChildren(element("span", { textContent: "no picture" }));
  }
  frame.classList.remove("waiting");
}

const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    fill(target);
  }
}, { rootMargin: "400px" });

// A frame that fills itself; without a path it says that there is no picture.
export function picture(path, alt = "") {
  const frame = element("div", { className: "picture" });
  if (!path) {
    frame.append(element("span", { textContent: "no picture" }));
    return frame;
  }
  frame.classList.add("waiting");
  frame.dataset.path = path;
  frame.dataset.alt = alt;
  near.observe(frame);
  return frame;
}
