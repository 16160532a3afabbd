// The address after # says what is shown: nothing is the photo, #catalog&words=…, #product=….

const handlers = new Map();

export function addressOf(parts) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) if (value) asked.set(name, value);
  return parts.catalog === "" ? `#catalog${asked.size ? `&${asked}` : ""}` : asked.size ? `#${asked}` : "#";
}

function current() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.get("product")) return ["product", asked];
  return [asked.has("catalog") ? "catalog" : "photo", asked];
}

export const onView = (view, show) => handlers.set(view, show);

export function go(parts) {
  const address = addressOf(parts);
  if (address !== "#") location.hash = address;
  else {
    if (location.hash) history.pushState(null, "", location.pathname);
    show({ moved: true });
  }
}

let shown = null;
const scrolled = new Map();

function show({ moved }) {
  const [view, asked] = current();
  if (shown !== null) scrolled.set(shown, window.scrollY);
  shown = location.hash;
  // An entry of the history that was seen before is one that somebody goes back to.
  const back = Boolean(history.state?.seen);
  history.replaceState({ seen: true }, "");
  document.body.dataset.view = view;
  for (const section of document.querySelectorAll("main > .view")) section.hidden = section.id !== `view-${view}`;
  for (const link of document.querySelectorAll("nav [data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  handlers.get(view)?.(asked, { moved, back });
}

// Where a reader lands after a move: on the view's heading, and after going back where they were.
export function land(heading, { moved, back = false }) {
  if (!moved) return;
  heading.focus({ preventScroll: true });
  window.scrollTo(0, back ? scrolled.get(location.hash) ?? 0 : 0);
}

export function startRouter() {
  history.scrollRestoration = "manual";
  // Going back fires both, and either alone when only the other address had a #.
  const follow = () => { if (location.hash !== shown) show({ moved: true }); };
  window.addEventListener("hashchange", follow);
  window.addEventListener("popstate", follow);
  show({ moved: false });
}
