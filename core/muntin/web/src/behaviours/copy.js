/** `data-copy="text"` or `data-copy-from="#id"` on a button puts that on the clipboard. */
import { copy } from "../dom.js";
import { _ } from "../texts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy], [data-copy-from]");
  if (!button) return;
  event.preventDefault();
  const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
  await copy(source ? (source.value ?? source.textContent) : button.dataset.copy);
  const use = button.querySelector("use");
  const href = use?.getAttribute("href");
  use?.setAttribute("href", `${document.documentElement.dataset.icons}#check`);
  announce(_("Copied"));
  button.classList.add("is-copied");
  setTimeout(() => {
    button.classList.remove("is-copied");
    if (href) use.setAttribute("href", href);
  }, 1500);
});

/** Tells screen readers only; what is seen changes by itself. */
export function announce(text) {
  const region = document.getElementById("muntin-announcer");
  if (!region) return;
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
}
