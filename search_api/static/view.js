// Draws answers. Text always enters through textContent: titles come from feeds.

const SVG = "http://www.w3.org/2000/svg";

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function svg(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export function garmentName(garment) {
  if (!garment.category) return "The whole photo";
  return garment.category[0].toUpperCase() + garment.category.slice(1);
}

function path(garment) {
  const [x0, y0, x1, y1] = garment.box;
  const rings = garment.polygon.length
    ? garment.polygon
    : [[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]];
  return rings.map((ring) => `M${ring.map((point) => point.join(" ")).join("L")}Z`).join("");
}

export function drawOutlines(target, photo, garments, choose) {
  target.replaceChildren();
  target.setAttribute("viewBox", `0 0 ${photo.width} ${photo.height}`);
  const area = ({ box: [x0, y0, x1, y1] }) => (x1 - x0) * (y1 - y0);
  // The small ones last, so that a belt on a dress can be clicked.
  const order = garments.map((_, index) => index).sort((a, b) => area(garments[b]) - area(garments[a]));
  for (const index of order) {
    const d = path(garments[index]);
    const group = svg("g", {
      role: "button", tabindex: "0", "aria-pressed": "false", "data-index": index,
      "aria-label": garmentName(garments[index]),
    });
    const title = svg("title", {});
    title.textContent = garmentName(garments[index]);
    group.append(svg("path", { d, class: "garment-halo" }), svg("path", { d, class: "garment-shape" }), title);
    group.addEventListener("click", () => choose(index));
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(index);
    });
    target.append(group);
  }
}

export function drawNames(target, photo, garments) {
  target.replaceChildren(...garments.map((garment, index) => {
    const [x0, y0, x1] = garment.box;
    const name = element("span", { className: "tag", textContent: garmentName(garment) });
    name.dataset.index = index;
    name.style.left = `${(50 * (x0 + x1)) / photo.width}%`;
    name.style.top = `${Math.min(94, Math.max(0.5, (100 * y0) / photo.height))}%`;
    return name;
  }));
}

function swatches(colours) {
  const row = element("span", { className: "swatches" });
  for (const colour of colours) {
    const label = `${colour.name}, ${Math.round(colour.share * 100)}%`;
    const dot = element("span", { className: "swatch", title: label, role: "img", "aria-label": label });
    dot.style.backgroundColor = colour.hex;
    row.append(dot);
  }
  return row;
}

export function drawGarments(target, garments, choose) {
  target.replaceChildren(...garments.map((garment, index) => {
    const score = garment.score === null ? "" : `${Math.round(garment.score * 100)}%`;
    const tab = element("button", { type: "button", role: "tab", id: `garment-${index}`, "aria-controls": "matches" },
      garmentName(garment), element("small", { textContent: score, title: "How sure" }), swatches(garment.colours));
    tab.addEventListener("click", () => choose(index));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      choose((index + step + garments.length) % garments.length, { focus: true });
    });
    return tab;
  }));
}

export function markChosen(outlines, tabs, names, chosen) {
  for (const name of names.children) {
    name.classList.toggle("chosen", Number(name.dataset.index) === chosen);
  }
  for (const group of outlines.children) {
    group.setAttribute("aria-pressed", String(Number(group.dataset.index) === chosen));
  }
  [...tabs.children].forEach((tab, index) => {
    tab.setAttribute("aria-selected", String(index === chosen));
    tab.tabIndex = index === chosen ? 0 : -1;
  });
}

function priceText(product) {
  if (product.price === null) return "";
  if (!product.currency) return product.price.toFixed(2);
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: product.currency }).format(product.price);
  } catch {
    return `${product.price.toFixed(2)} ${product.currency}`;
  }
}

function webLink(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

function card(match, loadPicture) {
  const { product } = match;
  const frame = element("div", { className: "picture" });
  loadPicture(match.image).then(
    (source) => frame.replaceChildren(element("img", { src: source, alt: "" })),
    () => frame.replaceChildren(element("span", { textContent: "no picture" })),
  );
  const link = webLink(product.url);
  const inside = [
    frame,
    element("div", { className: "name", textContent: product.title || product.id }),
    element("div", { className: "facts" },
      element("span", { textContent: [product.category, priceText(product)].filter(Boolean).join(" · ") }),
      element("span", { className: "score", textContent: match.score.toFixed(2), title: "Likeness, at most 1" })),
  ];
  return element("li", {}, link
    ? element("a", { className: "card", href: link, target: "_blank", rel: "noopener noreferrer" }, ...inside)
    : element("div", { className: "card" }, ...inside));
}

export function drawMatches(target, garment, loadPicture) {
  if (!garment.matches.length) {
    target.replaceChildren(element("p", {
      className: "none",
      textContent: "Nothing in the shop comes close. Take the filter away, or choose another garment.",
    }));
    return;
  }
  const list = element("ol", { className: "grid" });
  list.append(...garment.matches.map((match) => card(match, loadPicture)));
  target.replaceChildren(list);
}

export function drawTimings(target, timings) {
  const stages = ["decode", "segment", "parse", "embed", "search"].filter((stage) => stage in timings);
  const bar = element("div", { className: "bar", role: "presentation" });
  for (const stage of stages) {
    const part = element("i", { title: `${stage} ${timings[stage]} ms` });
    part.style.flexGrow = String(Math.max(timings[stage], 0.1));
    bar.append(part);
  }
  const words = stages.map((stage) => `${stage} ${Math.round(timings[stage])}`).join(" · ");
  target.replaceChildren(bar, `${Math.round(timings.total)} ms: ${words}`);
}
