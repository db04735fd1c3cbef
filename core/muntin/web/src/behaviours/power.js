/**
 * Buttons that follow a server's state. `data-power="start|stop|restart|kill"`, anywhere on the page, goes to the
 * console named by `data-for="#id"` (else the first one) and can be pressed only where the state allows it.
 */
import { _ } from "../texts.js";
import { ask } from "./dialogs.js";

const ALLOWED = {
  start: ["offline", "crashed"],
  stop: ["running", "starting"],
  restart: ["running"],
  kill: ["running", "starting", "stopping"],
};

const consoleOf = (button) => document.querySelector(button.dataset.for ?? "muntin-console");

/** Shows the buttons of one console as its state allows. */
export function showPower(element, state) {
  for (const button of document.querySelectorAll("[data-power]")) {
    if (consoleOf(button) !== element) continue;
    button.disabled = !ALLOWED[button.dataset.power]?.includes(state);
    button.removeAttribute("data-busy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-power]");
  const element = button && consoleOf(button);
  if (!element?.power) return; // without the element the button posts its own form
  event.preventDefault();
  if (button.dataset.power === "kill" && !(await ask(_("Kill the server? What it has not saved is lost."), { action: _("Kill"), danger: true }))) return;
  button.setAttribute("data-busy", "");
  element.power(button.dataset.power);
  setTimeout(() => button.removeAttribute("data-busy"), 3000); // an answer that never comes frees the button
});

document.addEventListener("muntin:status", (event) => {
  showPower(event.target, event.detail.state);
  for (const badge of document.querySelectorAll(`[data-state-of="#${CSS.escape(event.target.id)}"]`)) {
    badge.dataset.state = event.detail.state;
    badge.querySelector("[data-field=label]").textContent = event.detail.label;
  }
});
