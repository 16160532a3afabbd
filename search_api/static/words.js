// What the page says: names, prices, shares and errors as a shopper would put them.

import { Trouble } from "/static/api.js";

const capital = (text) => text[0].toUpperCase() + text.slice(1);

// Names of the garments of one photo; the second pair of shoes is "Shoes 2".
export function garmentNames(garments) {
  const seen = new Map();
  return garments.map((garment) => {
    const name = garment.drawn ? "Your box" : garment.category ? capital(garment.category) : "The whole photo";
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} ${count}`;
  });
}

export const percent = (share) => `${Math.round(share * 100)}%`;

export const amount = (count, one, many) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

export function priceText({ price, currency }) {
  if (price === null) return "";
  if (!currency) return price.toFixed(2);
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(price);
  } catch {
    return `${price.toFixed(2)} ${currency}`;
  }
}

// The shop's own page, if it is a page: a feed may hold any text.
export function webLink(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

export function plainWords(error) {
  if (!(error instanceof Trouble)) return "Something went wrong in the page. Reload it and try again.";
  if (error.status === 503) return "The server has its hands full. Try again in a moment.";
  if (error.status === 401) return "This shop answers only with a key.";
  if (error.kind === "product-not-found") return "This product is not in the shop any more.";
  if (error.status === 413) return "This photo is too large. Give one of at most 20 MB and 50 megapixels.";
  if (error.status === 415) return "This file is not a photo Garb can read. Give a JPEG, PNG or WebP.";
  if (error.status >= 500) return "Something went wrong on the server. Try again, or tell whoever runs it.";
  return capital(error.message) + (/[.!?…]$/.test(error.message) ? "" : ".");
}
