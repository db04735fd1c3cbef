/** Forms: unsaved changes, secrets that are only replaced, revealed passwords, fields that depend on others. */
import { _ } from "../texts.js";

const dirty = new Set();

const guarded = (target) => target.closest?.("form[data-unsaved]");
function changed(event) {
  const form = guarded(event.target);
  if (!form) return;
  dirty.add(form);
  form.setAttribute("data-dirty", "");
}
function saved(form) {
  dirty.delete(form);
  form?.removeAttribute?.("data-dirty");
}

document.addEventListener("input", changed);
document.addEventListener("change", changed);
document.addEventListener("submit", (event) => !event.defaultPrevented && saved(event.target));
document.addEventListener("htmx:afterRequest", (event) => event.detail.successful && saved(event.detail.elt));
document.addEventListener("reset", (event) => saved(event.target));
addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const reveal = event.target.closest?.("[data-reveal]");
  if (reveal) toggleReveal(reveal);
  const replace = event.target.closest?.("[data-replace-secret]");
  if (replace) replaceSecret(replace.closest("[data-secret]"));
});

function toggleReveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  const show = input.type === "password";
  input.type = show ? "text" : "password";
  button.setAttribute("aria-pressed", String(show));
  button.querySelector("use").setAttribute("href", `${document.documentElement.dataset.icons}#${show ? "eye-off" : "eye"}`);
  button.setAttribute("aria-label", show ? _("Hide") : _("Show"));
}

/** "Set · Replace" becomes an empty field; only an enabled field is posted. */
function replaceSecret(box) {
  box.querySelector("[data-secret-shown]").hidden = true;
  const entry = box.querySelector("[data-secret-entry]");
  entry.hidden = false;
  const input = entry.querySelector("input, textarea");
  input.disabled = false;
  input.focus();
}

/** The first wrong field is brought into view after a refused save. */
function showFirstError(root) {
  const field = root.querySelector?.('[aria-invalid="true"]');
  field?.focus({ preventScroll: true });
  field?.scrollIntoView({ block: "center" });
}
showFirstError(document);
document.addEventListener("htmx:load", (event) => event.target !== document.body && showFirstError(event.target));
