// The box that says what went wrong, and what to do about it.

import { element } from "/static/dom.js";
import { plainWords } from "/static/words.js";

export function clear(box) {
  box.hidden = true;
  box.replaceChildren();
}

export function complain(box, text, { retry = null, label = "Try again" } = {}) {
  const again = retry && element("button", { type: "button", className: "plain", textContent: label, onclick: retry });
  box.replaceChildren(element("p", { textContent: text }), ...(again ? [again] : []));
  box.hidden = false;
}

// A refused photo will be refused again; only what may pass is worth another try.
export function complainOf(box, error, retry) {
  if (error.status === 401) complain(box, plainWords(error), { retry, label: "Give a key" });
  else if (!error.status || error.status >= 500) complain(box, plainWords(error), { retry });
  else complain(box, plainWords(error));
}
