// The photo's view: a photo in, its garments outlined, one chosen or a box drawn, its matches shown.

import { searchPhoto } from "/static/api.js";
import { BoxDrawer } from "/static/box.js";
import { matchGrid, skeletons } from "/static/cards.js";
import { at, element } from "/static/dom.js";
import { Choices, drawFacets, FIELDS, joined } from "/static/facets.js";
import { shown, tellOpened } from "/static/feedback.js";
import { drawDetails, drawNames, drawOutlines, drawTabs, markChosen, placeNames } from "/static/garments.js";
import { withKey } from "/static/key.js";
import { asPairs } from "/static/pairs.js";
import { showSamples, startPhotoIntake } from "/static/photo.js";
import { go, land, onView } from "/static/router.js";
import { drawTimings } from "/static/timings.js";
import { clear, complain, complainOf } from "/static/trouble.js";
import { amount, garmentNames, plainWords } from "/static/words.js";

const MOST_BYTES = 20 * 1024 * 1024;
const SLOW_SECONDS = 3;

let photo = null;
let photoUrl = null;
let answer = null; // What the server found in the whole photo, two shoes as a pair.
let drawn = null; // What it found in the box drawn last.
let chosen = 0;
let running = null;
let boxAsked = false; // What runs is a box's search, and no more.
let clock = null;
const choices = new Choices();

const garments = () => (drawn ? [...answer.garments, drawn] : answer.garments);
const filterText = () => joined(at("filter").value.trim(), choices.filter);
const wordsText = () => at("but").value.trim();
const visibleHeading = () => at(at("view-photo").dataset.state === "empty" ? "promise" : "found");

function show(state) {
  at("view-photo").dataset.state = state;
  at("result").hidden = state === "empty";
  at("tools").hidden = state !== "result";
  at("draw").hidden = !answer;
  clearInterval(clock);
  at("busy").hidden = state !== "busy";
  at("seconds").textContent = "";
  at("matches").setAttribute("aria-busy", String(state === "busy"));
  if (state !== "busy") return;
  const started = performance.now();
  clock = setInterval(() => {
    const seconds = Math.floor((performance.now() - started) / 1000);
    if (seconds >= SLOW_SECONDS) at("seconds").textContent = `${seconds} s`;
  }, 500);
}

const say = (text) => { at("status").textContent = text; };

function choose(index, { focus = false, reveal = false } = {}) {
  chosen = index;
  if (at("view-photo").dataset.state === "busy") {
    // Whoever turns to another garment waits for the box no longer; a new filter concerns them all.
    if (boxAsked) stop();
    else markChosen(at("outlines"), at("tabs"), at("names"), index);
    if (focus) at(`garment-${index}`).focus({ preventScroll: true });
    return;
  }
  const garment = garments()[index];
  markChosen(at("outlines"), at("tabs"), at("names"), index);
  at("matches").setAttribute("aria-labelledby", `garment-${index}`);
  drawDetails(at("details"), garment);
  const grid = garment.matches.length ? matchGrid(garment.matches) : nothing();
  at("matches").replaceChildren(grid);
  drawFacets(at("facets"), garment.facets, choices, search);
  const asked = garment.drawn ? drawn.search : answer.search;
  const place = { garment: garment.drawn ? 0 : garment.place };
  shown(asked, place, garment.matches);
  if (garment.matches.length) tellOpened(grid, asked, place, garment.matches);
  say(`${garmentNames(garments())[index]}: ${amount(garment.matches.length, "match", "matches")}.`);
  if (focus) at(`garment-${index}`).focus({ preventScroll: true });
  if (reveal) revealMatches();
}

// On a phone the matches lie below the photo that was tapped.
function revealMatches() {
  if (at("finding").getBoundingClientRect().top < window.innerHeight * 0.75) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  at("finding").scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}

function nothing() {
  const reason = at("least").value ? "Nothing in the shop comes that close. Ask for less."
    : filterText() ? "Nothing in the shop passes this filter. Change it or take it away."
      : "Nothing in the shop comes close. Choose another garment, or draw a box.";
  return element("p", { className: "none", textContent: reason });
}

function draw() {
  const all = garments();
  drawOutlines(at("outlines"), answer.photo, all, choose);
  drawNames(at("names"), answer.photo, all);
  drawTabs(at("tabs"), all, choose);
  show("result");
  choose(Math.min(chosen, all.length - 1));
}

function wait(words, { box = false } = {}) {
  boxAsked = box;
  running?.abort();
  running = new AbortController();
  clear(at("trouble"));
  clear(at("filter-trouble"));
  at("filter").removeAttribute("aria-invalid");
  at("doing").textContent = words;
  say(words);
  show("busy");
  at("matches").replaceChildren(skeletons(6));
  return running.signal;
}

// What went wrong goes where it can be mended: a filter's fault beside the filter.
function failed(error, retry) {
  if (error.name === "AbortError") return;
  say("");
  at("matches").replaceChildren();
  if (answer) draw();
  else show(photo && error.kind === "filter-invalid" ? "result" : "empty");
  if (error.kind === "filter-invalid") {
    at("filter").setAttribute("aria-invalid", "true");
    complain(at("filter-trouble"), `The filter cannot be read: ${plainWords(error)}`);
    at("filter").focus();
  } else complainOf(at("trouble"), error, retry);
}

const ask = (signal, box = null) => withKey(() => searchPhoto(photo, {
  filter: filterText(), words: wordsText(), least: at("least").value, boost: at("rather").value, facets: FIELDS, box, signal,
}));

async function askBox(box, signal) {
  const found = await ask(signal, box);
  return [{ ...found.garments[0], drawn: box, search: found.search }, found.timings_ms];
}

async function search() {
  const signal = wait("Cutting out the garments…");
  try {
    const found = await ask(signal);
    const again = drawn && (await askBox(drawn.drawn, signal))[0];
    [answer, drawn] = [{ ...found, garments: asPairs(found.garments) }, again];
    drawTimings(at("timings"), found.timings_ms);
    draw();
  } catch (error) {
    failed(error, search);
  }
}

async function searchBox(shares) {
  const { width, height } = answer.photo;
  const [x0, y0, x1, y1] = shares;
  const box = [Math.floor(x0 * width), Math.floor(y0 * height), Math.ceil(x1 * width), Math.ceil(y1 * height)];
  const signal = wait("Looking at your box…", { box: true });
  try {
    const [garment, timings] = await askBox(box, signal);
    drawn = garment;
    chosen = answer.garments.length;
    drawTimings(at("timings"), timings);
    draw();
    at(`garment-${chosen}`).focus({ preventScroll: true });
    revealMatches();
  } catch (error) {
    failed(error, () => searchBox(shares));
  }
}

function forget() {
  running?.abort();
  [photo, answer, drawn, chosen] = [null, null, null, 0];
  choices.clear();
  at("but").value = "";
  for (const id of ["outlines", "names", "tabs", "details", "matches", "facets", "timings"]) at(id).replaceChildren();
  clear(at("trouble"));
  clear(at("filter-trouble"));
  at("filter").removeAttribute("aria-invalid");
}

function take(file) {
  if (!file) return;
  if (location.hash) go({});
  // A filter that could not be read would fail the next photo too.
  if (at("filter").getAttribute("aria-invalid")) at("filter").value = "";
  forget();
  if (file.size > MOST_BYTES) {
    show("empty");
    complain(at("trouble"), "This photo has more than 20 MB. Give a smaller one.");
    return;
  }
  photo = file;
  if (photoUrl) URL.revokeObjectURL(photoUrl);
  photoUrl = URL.createObjectURL(file);
  at("photo").src = photoUrl;
  search();
  // What was focused, the button to choose a photo, is gone.
  land(at("found"), { moved: true });
}

async function takeSample(load) {
  try {
    take(await withKey(load));
  } catch (error) {
    complainOf(at("trouble"), error, () => takeSample(load));
  }
}

function startOver() {
  forget();
  say("");
  show("empty");
  land(at("promise"), { moved: true });
}

function stop() {
  running?.abort();
  if (answer) draw();
  else startOver();
}

export function startFind() {
  startPhotoIntake(take);
  showSamples({ pick: takeSample });
  document.addEventListener("garb-key", () => showSamples({ pick: takeSample }));
  const drawer = new BoxDrawer({
    frame: at("frame"), box: at("box"), toggle: at("draw"), help: at("box-help"), place: at("box-place"),
    submit: at("box-find"), canDraw: () => answer && at("view-photo").dataset.state === "result", found: searchBox,
  });
  at("again").addEventListener("click", () => { drawer.disarm(); startOver(); });
  at("stop").addEventListener("click", stop);
  for (const id of ["least", "rather"]) at(id).addEventListener("change", () => photo && search());
  at("refine").addEventListener("submit", (event) => {
    event.preventDefault();
    if (photo) search();
  });
  new ResizeObserver(() => placeNames(at("names"))).observe(at("frame"));
  onView("photo", (_, moved) => {
    document.title = "Garb · find what they are wearing";
    placeNames(at("names"));
    land(visibleHeading(), moved);
  });
}
