// The page's one road: a photo in, garments outlined, one chosen, its matches shown.

import { Trouble, forgetKey, hasKey, indexStatus, keepKey, picture, searchPhoto } from "/static/api.js";
import { drawGarments, drawMatches, drawNames, drawOutlines, drawTimings, markChosen } from "/static/view.js";

const at = (id) => document.getElementById(id);
const MOST_BYTES = 20 * 1024 * 1024;

let photo = null;
let answer = null;
let running = null;
let photoUrl = null;
let pictures = new Map();

function show(state) {
  document.body.dataset.state = state;
  at("again").hidden = state === "empty";
}

function say(text) {
  at("status").textContent = text;
}

function complain(text) {
  at("trouble").textContent = text;
  at("trouble").hidden = !text;
}

function plainWords(error) {
  if (!(error instanceof Trouble)) return "Something went wrong in the page. Reload it and try again.";
  if (error.status === 503) return "The server has its hands full. Try again in a moment.";
  const text = error.message;
  return text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

function askForKey(reason) {
  const dialog = at("key-dialog");
  at("key-reason").textContent = reason;
  at("key").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(at("key").value.trim() && dialog.returnValue !== "cancel"), { once: true });
  });
}

async function withKey(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Trouble) || error.status !== 401) throw error;
      const reason = hasKey() ? "The key you gave is not valid here." : "Whoever runs this server can make one for you.";
      forgetKey();
      if (!(await askForKey(reason))) throw error;
      keepKey(at("key").value);
      standing();
    }
  }
}

function loadPicture(path) {
  if (!pictures.has(path)) pictures.set(path, picture(path));
  return pictures.get(path);
}

function dropPictures() {
  for (const waiting of pictures.values()) waiting.then((url) => URL.revokeObjectURL(url), () => {});
  pictures = new Map();
}

function choose(index, { focus = false } = {}) {
  markChosen(at("outlines"), at("garments"), at("names"), index);
  const garment = answer.garments[index];
  at("matches").setAttribute("aria-labelledby", `garment-${index}`);
  drawMatches(at("matches"), garment, loadPicture);
  if (focus) at(`garment-${index}`).focus();
}

function draw(found) {
  answer = found;
  drawOutlines(at("outlines"), found.photo, found.garments, choose);
  drawNames(at("names"), found.photo, found.garments);
  drawGarments(at("garments"), found.garments, choose);
  drawTimings(at("timings"), found.timings_ms);
  const whole = found.garments.every((garment) => garment.category === null);
  say(whole ? "No single garment stood out, so the whole photo was matched." : "");
  show("result");
  choose(0);
}

async function search() {
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  complain("");
  say("Cutting out the garments…");
  show("busy");
  try {
    draw(await withKey(() => searchPhoto(photo, { filter: at("filter").value.trim(), signal })));
  } catch (error) {
    if (error.name === "AbortError") return;
    say("");
    complain(plainWords(error));
    show(answer ? "result" : "empty");
    if (!answer) at("result").hidden = true;
  }
}

function take(file) {
  if (!file) return;
  if (file.size > MOST_BYTES) {
    complain("This photo has more than 20 MB. Give a smaller one.");
    return;
  }
  photo = file;
  answer = null;
  dropPictures();
  if (photoUrl) URL.revokeObjectURL(photoUrl);
  photoUrl = URL.createObjectURL(file);
  at("photo").src = photoUrl;
  for (const id of ["outlines", "names", "garments", "matches", "timings"]) at(id).replaceChildren();
  at("refine").hidden = false;
  at("result").hidden = false;
  search();
}

function startOver() {
  running?.abort();
  answer = null;
  at("result").hidden = true;
  at("file").value = "";
  complain("");
  say("");
  show("empty");
  at("file").focus();
}

async function standing() {
  try {
    const { products } = await indexStatus();
    at("standing").textContent = `${products.toLocaleString()} products to find`;
  } catch (error) {
    at("standing").textContent = error.status === 403 ? plainWords(error) : "";
  }
}

at("file").addEventListener("change", () => take(at("file").files[0]));
at("again").addEventListener("click", startOver);
at("key-cancel").addEventListener("click", () => at("key-dialog").close("cancel"));
at("key-dialog").addEventListener("cancel", () => { at("key").value = ""; });
at("refine").addEventListener("submit", (event) => {
  event.preventDefault();
  if (photo) search();
});
document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
  if (file) take(file);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  take(event.dataTransfer?.files[0]);
});

standing();
