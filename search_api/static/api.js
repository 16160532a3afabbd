// Talks to the server. The key lives in this tab's sessionStorage and in one header.

const KEY = "garb-key";

export class Trouble extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
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
    throw new Trouble(0, "No answer", "The server does not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  let problem = {};
  try {
    problem = await answer.json();
  } catch {
    // A proxy's own error page; its status is all there is to say.
  }
  throw new Trouble(answer.status, problem.title ?? `Error ${answer.status}`, problem.detail);
}

export async function searchPhoto(photo, { filter = "", signal } = {}) {
  const form = new FormData();
  form.set("photo", photo, "photo");
  form.set("k", "12");
  if (filter) form.set("filter", filter);
  return (await call("/v1/search", { method: "POST", body: form, signal })).json();
}

export const indexStatus = async () => (await call("/v1/index")).json();

// An <img> cannot send the key, so pictures come as blobs.
export async function picture(path) {
  return URL.createObjectURL(await (await call(path)).blob());
}
