/**
 * Native dialogs. `data-opens="#id"` opens one, `data-closes` closes the one around it.
 * `data-confirm="Question?"` on a form, link or htmx element asks first.
 * In a dialog, `<input data-confirm-name="exact">` frees the submit button once it is typed.
 */
import { h } from "../dom.js";
import { _ } from "../texts.js";

document.addEventListener("click", (event) => {
  const opens = event.target.closest?.("[data-opens]");
  if (opens) {
    event.preventDefault();
    const dialog = document.querySelector(opens.dataset.opens);
    dialog?.showModal();
    dialog?.querySelector("[autofocus], [data-confirm-name]")?.focus();
  }
  event.target.closest?.("[data-closes]")?.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.matches(".m-dialog")) closeFromBackdrop(event);
});

/** A click on the dialog element itself is the backdrop when it lies outside its box. */
function closeFromBackdrop(event) {
  const box = event.target.getBoundingClientRect();
  const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside && event.clientX + event.clientY > 0) event.target.close();
}

function checkName(input) {
  const button = input.form?.querySelector("[type=submit]");
  if (button) button.disabled = input.value.trim() !== input.dataset.confirmName;
}

document.addEventListener("input", (event) => event.target.matches?.("[data-confirm-name]") && checkName(event.target));
const armAll = () => document.querySelectorAll("[data-confirm-name]").forEach(checkName);
armAll();
document.addEventListener("htmx:load", armAll);

/** Asks a question in the panel's own dialog; answers whether it was confirmed. */
export function ask(question, { action = _("Continue"), danger = false } = {}) {
  const dialog = h(
    "dialog",
    { class: "m-dialog", "aria-label": question },
    h(
      "form",
      { method: "dialog" },
      h("div", { class: "m-dialog-body" }, h("p", { class: "mb-0" }, question)),
      h(
        "div",
        { class: "m-dialog-footer" },
        h("button", { class: "btn", value: "no" }, _("Cancel")),
        h("button", { class: `btn ${danger ? "btn-danger" : "btn-primary"}`, value: "yes", autofocus: true }, action),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

const options = (element) => ({ action: element.dataset.confirmAction || undefined, danger: element.hasAttribute("data-danger") });

document.addEventListener("htmx:confirm", async (event) => {
  const element = event.detail.elt.closest("[data-confirm]");
  if (!element) return;
  event.preventDefault();
  if (await ask(element.dataset.confirm, options(element))) event.detail.issueRequest(true);
});

const agreed = new WeakSet();
document.addEventListener(
  "submit",
  async (event) => {
    const element = event.submitter?.closest("[data-confirm]") ?? event.target.closest("[data-confirm]");
    const byHtmx = event.target.matches("[hx-post], [hx-put], [hx-patch], [hx-delete]");
    if (!element || byHtmx || agreed.delete(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { target, submitter } = event;
    if (!(await ask(element.dataset.confirm, options(element)))) return;
    agreed.add(target);
    target.requestSubmit(submitter);
  },
  true,
);
