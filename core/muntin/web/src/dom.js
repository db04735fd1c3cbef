/** Small helpers every element uses. */
import { _ } from "./texts.js";

/** An element from a tag, properties or attributes, and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** An icon of the sprite; its address is told by the page. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Icon-only button with a name for everybody. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "btn btn-icon btn-ghost-secondary btn-sm", title: label, "aria-label": label, onclick, ...attributes }, icon(name));
}

/** The nonce of this page's style sheets; browsers hide it from everything but scripts. */
export function styleNonce() {
  return document.querySelector("[nonce]")?.nonce ?? "";
}

/** The proof, sent with every change, that the request comes from one of our pages. */
export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

/** POST to our own panel; answers the parsed JSON, throws an Error with the panel's own words. */
export async function post(url, body) {
  const response = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrfToken() },
    body: JSON.stringify(body ?? {}),
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const message = answer.error?.message ?? _("The panel answered {status}.", { status: response.status });
  throw Object.assign(new Error(message), { status: response.status });
}

/** Says something short at the edge of the page; errors stay until they are closed. */
export function toast(message, kind = "info") {
  let stack = document.getElementById("muntin-toasts");
  if (!stack) document.body.append((stack = h("div", { id: "muntin-toasts", class: "m-toasts", role: "status", "aria-live": "polite" })));
  const symbol = { success: "circle-check", danger: "alert-circle", warning: "alert-triangle" }[kind] ?? "info-circle";
  const close = () => card.remove();
  const card = h("div", { class: `m-toast m-toast-${kind}` }, icon(symbol), h("div", { class: "flex-fill" }, message), h("button", { type: "button", class: "btn-close", "aria-label": _("Close"), onclick: close }));
  stack.append(card);
  if (kind !== "danger") setTimeout(close, 6000);
}

/** Saves text as a file of the reader's. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Puts text on the clipboard; works on plain http too, where browsers offer no clipboard API. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "m-offscreen", "aria-hidden": "true", tabindex: "-1" });
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    const focused = document.activeElement;
    area.select();
    document.execCommand("copy");
    area.remove();
    focused?.focus?.();
  }
}

/** A value of localStorage, `otherwise` where storage is refused or empty. */
export function remembered(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`muntin.${key}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function remember(key, value) {
  try {
    localStorage.setItem(`muntin.${key}`, JSON.stringify(value));
  } catch {
    // storage full or refused: the page works without memory
  }
}
