// The OpenAPI document, readable without any other host.

import { element } from "/static/dom.js";

const description = await (await fetch("/openapi.json")).json();

// `within`: the named schemas that this one lies in, so that none is shown inside itself.
function resolve(schema, within = []) {
  if (!schema) return "…";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return within.includes(name) ? "…" : resolve(description.components.schemas[name], [...within, name]);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const known = choices.filter((choice) => choice.type !== "null");
    const value = resolve(known[0], within);
    return typeof value === "string" && known.length < choices.length ? `${value} or null` : value;
  }
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const !== undefined) return schema.const;
  if (schema.type === "array") return [resolve(schema.items, within)];
  if (schema.properties) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, inner]) => [name, resolve(inner, within)]));
  }
  return schema.format === "binary" ? "a file" : schema.type ?? "any";
}

// Docstrings mark code with double backticks.
const plain = (text = "") => text.replaceAll("``", "");

function shown(title, value) {
  return [element("h3", { textContent: title }),
    element("pre", { textContent: JSON.stringify(value, null, 2) })];
}

function operation(method, path, details) {
  const parts = [];
  const fields = (details.parameters ?? []).map((field) => [`${field.name} (${field.in})`, resolve(field.schema)]);
  if (fields.length) parts.push(...shown("Parameters", Object.fromEntries(fields)));
  for (const [type, { schema }] of Object.entries(details.requestBody?.content ?? {})) {
    parts.push(...shown(`Body, ${type}`, resolve(schema)));
  }
  for (const [status, answer] of Object.entries(details.responses)) {
    const schema = answer.content?.["application/json"]?.schema;
    if (status < 300 && schema) parts.push(...shown(`Answer ${status}`, resolve(schema)));
  }
  return element("details", {}, element("summary", {},
    element("b", { textContent: method.toUpperCase() }), element("code", { textContent: path }),
    element("span", { textContent: plain(details.description) })), ...parts);
}

const groups = new Map();
for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, details] of Object.entries(methods)) {
    const tag = details.tags?.[0] ?? "other";
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(operation(method, path, details));
  }
}
for (const [tag, operations] of groups) {
  document.getElementById("docs").append(element("h2", { textContent: tag }), ...operations);
}
