// Talks to the server. The key lives in this tab's sessionStorage and in one header.

const KEY = "garb-key";

export class Trouble extends Error {
  constructor(status, { title, detail, type = "", column = null } = {}) {
    super(detail || title || `The server answered ${status}.`);
    this.status = status;
    this.kind = type.replace("urn:garb:problem:", "");
    this.column = column;
  }
}

export const forgetKey = () => sessionStorage.removeItem(KEY);
export const keepKey = (key) => sessionStorage.setItem(KEY, key.trim());
export const hasKey = () => sessionStorage.getItem(KEY) !== null;

async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  const key = sessionStorage.getItem(KEY);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, { detail: "The server does not answer. Is it still running?" });
  }
  if (answer.ok) return answer;
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // A proxy's own error page; its status is all there is to say.
  }
  throw new Trouble(answer.status, problem);
}

const json = async (path, options) => (await call(path, options)).json();

// `search`: by what feedback names this answer.
async function answered(path, options) {
  const answer = await call(path, options);
  return { ...(await answer.json()), search: answer.headers.get("X-Request-ID") };
}

const productPath = (id) => `/v1/products/${encodeURIComponent(id)}`;

export function searchPhoto(photo, { filter = "", words = "", least = "", boost = "", facets = [], box = null, k = 12, signal } = {}) {
  const form = new FormData();
  form.set("photo", photo, "photo");
  form.set("k", String(k));
  form.set("fold", "true");
  if (filter) form.set("filter", filter);
  if (words) form.set("q", words);
  if (least) form.set("min_score", least);
  if (boost) form.set("boost", boost);
  if (facets.length) form.set("facets", facets.join(","));
  if (box) form.set("box", box.join(","));
  return answered("/v1/search", { method: "POST", body: form, signal });
}

export function listProducts({ words = "", filter = "", facets = [], after = null, limit, signal } = {}) {
  const asked = new URLSearchParams({ limit: String(limit) });
  if (words) asked.set("q", words);
  if (filter) asked.set("filter", filter);
  if (facets.length) asked.set("facets", facets.join(","));
  if (after) asked.set("after", after);
  return json(`/v1/products?${asked}`, { signal });
}

export const product = (id, { signal } = {}) => json(productPath(id), { signal });
export function similarTo(id, { words = "", k = 12, signal } = {}) {
  const asked = new URLSearchParams({ k: String(k), fold: "true" });
  if (words) asked.set("q", words);
  return answered(`${productPath(id)}/similar?${asked}`, { method: "POST", signal });
}

export const tellFeedback = (told) => call("/v1/feedback", {
  method: "POST", body: JSON.stringify(told), headers: { "Content-Type": "application/json" }, keepalive: true,
});
export const indexStatus = () => json("/v1/index");
export const samples = async () => (await json("/v1/samples")).samples;

// An <img> cannot send the key, so pictures come as blobs.
export const pictureFile = async (path) => (await call(path)).blob();
