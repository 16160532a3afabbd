// Asks for the API key, once for all requests that wait for it.

import { Trouble, forgetKey, hasKey, keepKey } from "/static/api.js";
import { at } from "/static/dom.js";

let asking = null;

function ask(reason) {
  const dialog = at("key-dialog");
  at("key-reason").textContent = reason;
  at("key").value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const key = at("key").value.trim();
      at("key").value = "";
      resolve(dialog.returnValue === "cancel" ? "" : key);
    }, { once: true });
  });
}

async function askOnce() {
  const reason = hasKey() ? "The key you gave is not valid here." : "Whoever runs this server can make one for you.";
  forgetKey();
  const key = await ask(reason);
  if (!key) return false;
  keepKey(key);
  document.dispatchEvent(new Event("garb-key"));
  return true;
}

// Does the work; when the server wants a key, asks for one and does it again.
export async function withKey(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Trouble) || error.status !== 401) throw error;
      asking ??= askOnce().finally(() => { asking = null; });
      if (!(await asking)) throw error;
    }
  }
}

export function startKeyDialog() {
  at("key-cancel").addEventListener("click", () => at("key-dialog").close("cancel"));
  at("key-dialog").addEventListener("cancel", () => { at("key").value = ""; });
}
