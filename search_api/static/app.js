// Starts the page: three views over one server.

import { indexStatus } from "/static/api.js";
import { startCatalog } from "/static/catalog.js";
import { at } from "/static/dom.js";
import { startFind } from "/static/find.js";
import { startKeyDialog } from "/static/key.js";
import { startProduct } from "/static/product.js";
import { startRouter } from "/static/router.js";
import { amount, plainWords } from "/static/words.js";

async function standing() {
  try {
    at("standing").textContent = `${amount((await indexStatus()).products, "product", "products")} to find`;
  } catch (error) {
    at("standing").textContent = error.status === 403 ? plainWords(error) : "";
  }
}

at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});
startKeyDialog();
startFind();
startCatalog();
startProduct();
startRouter();
document.addEventListener("garb-key", standing);
standing();
