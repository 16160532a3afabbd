// The garments of a photo: outlines and names on it, tabs beside it.

import { colourDots, colourList } from "/static/colours.js";
import { element, svg } from "/static/dom.js";
import { garmentNames, percent } from "/static/words.js";

const corners = ([x0, y0, x1, y1]) => [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
const boxOf = (garment) => garment.drawn ?? garment.box;
const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);

function path(garment) {
  const rings = garment.polygon.length && !garment.drawn ? garment.polygon : [corners(boxOf(garment))];
  return rings.map((ring) => `M${ring.map((point) => point.join(" ")).join("L")}Z`).join("");
}

// For the pointer alone: with keys and screen readers the tabs say and do the same.
export function drawOutlines(target, photo, garments, choose) {
  target.replaceChildren();
  target.setAttribute("viewBox", `0 0 ${photo.width} ${photo.height}`);
  const names = garmentNames(garments);
  // The small ones last, so that a belt on a dress can be clicked.
  const order = garments.map((_, index) => index)
    .sort((a, b) => area(boxOf(garments[b])) - area(boxOf(garments[a])));
  for (const index of order) {
    const d = path(garments[index]);
    const group = svg("g", { "data-index": index, class: garments[index].drawn ? "garment drawn" : "garment" });
    const title = svg("title", {});
    title.textContent = names[index];
    group.append(svg("path", { d, class: "garment-halo" }), svg("path", { d, class: "garment-shape" }), title);
    group.addEventListener("click", () => choose(index, { reveal: true }));
    target.append(group);
  }
}

export function drawNames(target, photo, garments) {
  const names = garmentNames(garments);
  target.replaceChildren(...garments.map((garment, index) => {
    const [x0, y0, x1] = boxOf(garment);
    const name = element("span", { className: "tag", textContent: names[index] });
    name.dataset.index = index;
    name.dataset.x = (x0 + x1) / 2 / photo.width;
    name.dataset.y = y0 / photo.height;
    return name;
  }));
  placeNames(target);
}

const GAP = 3;

// Each name at the top of its garment, inside the photo; where another lies, the nearest free place.
export function placeNames(target) {
  const { clientWidth: width, clientHeight: height } = target;
  if (!width) return;
  const placed = [];
  const highestFirst = [...target.children].sort((a, b) => a.dataset.y - b.dataset.y);
  for (const name of highestFirst) {
    const [w, h] = [name.offsetWidth, name.offsetHeight];
    const lowest = height - h - GAP;
    const left = Math.max(GAP, Math.min(width - w - GAP, name.dataset.x * width - w / 2));
    const wanted = Math.max(GAP, Math.min(lowest, name.dataset.y * height - h / 2));
    const abreast = placed.filter((other) => left < other.left + other.w + GAP && other.left < left + w + GAP);
    const free = (top) => top >= GAP && top <= lowest
      && abreast.every((other) => top >= other.top + other.h + GAP || other.top >= top + h + GAP);
    // Rather down, onto the garment, than up and off it.
    const away = (top) => (top < wanted ? 3 * (wanted - top) : top - wanted);
    const places = [wanted, ...abreast.flatMap((other) => [other.top + other.h + GAP, other.top - h - GAP])];
    const [top = wanted] = places.filter(free).sort((a, b) => away(a) - away(b));
    placed.push({ left, top, w, h });
    name.style.left = `${left}px`;
    name.style.top = `${top}px`;
  }
}

export function drawTabs(target, garments, choose) {
  const names = garmentNames(garments);
  target.replaceChildren(...garments.map((garment, index) => {
    const tab = element("button", { type: "button", role: "tab", id: `garment-${index}`, "aria-controls": "matches" },
      names[index], colourDots(garment.colours));
    tab.addEventListener("click", () => choose(index));
    tab.addEventListener("keydown", (event) => {
      const last = garments.length - 1;
      const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: last }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      choose((next + garments.length) % garments.length, { focus: true });
    });
    return tab;
  }));
}

function howSure(garment) {
  if (garment.drawn) {
    return garment.category ? `The ${garment.category} fits your box best, and that was matched.` : "Matched as it stands in your box.";
  }
  if (!garment.category) return "Matched whole: no single garment stood out.";
  return garment.score === null ? "" : `${percent(garment.score)} sure of the ${garment.category}.`;
}

export function drawDetails(target, garment) {
  const shown = [...garment.colours.map(({ name }) => name), garment.category];
  const others = garment.tags.filter((tag) => !shown.includes(tag));
  target.replaceChildren(colourList(garment.colours),
    others.length ? element("p", { className: "pattern", textContent: others.join(" · ") }) : "",
    element("p", { className: "sure", textContent: howSure(garment) }));
}

export function markChosen(outlines, tabs, names, chosen) {
  for (const made of [...names.children, ...outlines.children]) {
    made.classList.toggle("chosen", Number(made.dataset.index) === chosen);
  }
  [...tabs.children].forEach((tab, index) => {
    tab.setAttribute("aria-selected", String(index === chosen));
    tab.tabIndex = index === chosen ? 0 : -1;
    // Sideways only: on a phone the tabs lie below the photo, and the page should stay where it is.
    if (index === chosen) tabs.scrollLeft = tab.offsetLeft + tab.offsetWidth / 2 - tabs.clientWidth / 2;
  });
}
