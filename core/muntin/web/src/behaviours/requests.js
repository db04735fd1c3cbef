/** Around every htmx request and form: the CSRF proof, busy buttons, failures said aloud. */
import { csrfToken, toast } from "../dom.js";
import { _ } from "../texts.js";

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = csrfToken();
});

function busy(button, on) {
  if (!(button instanceof HTMLElement) || !button.matches("button, .btn, input[type=submit]")) return;
  button.toggleAttribute("data-busy", on);
  if (on) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method === "dialog" || form.hasAttribute("hx-get")) return;
  if (event.submitter?.hasAttribute("data-busy")) event.preventDefault(); // second click on the same button
  else busy(event.submitter, true);
});
addEventListener("pageshow", () => document.querySelectorAll("[data-busy]").forEach((one) => busy(one, false)));

const button = (event) => event.detail.requestConfig?.triggeringEvent?.submitter ?? event.detail.elt;
document.addEventListener("htmx:beforeRequest", (event) => busy(button(event), true));
document.addEventListener("htmx:afterRequest", (event) => busy(button(event), false));

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  let message = _("The panel answered {status}.", { status: xhr.status });
  if (xhr.getResponseHeader("Content-Type")?.includes("json")) {
    try {
      message = JSON.parse(xhr.responseText).error?.message ?? message;
    } catch {
      // not the panel's own words: the status has to do
    }
  }
  toast(message, "danger");
});
document.addEventListener("htmx:sendError", () => toast(_("The panel cannot be reached. Try again in a moment."), "danger"));
document.addEventListener("muntin:toast", (event) => toast(event.detail.message, event.detail.kind));
