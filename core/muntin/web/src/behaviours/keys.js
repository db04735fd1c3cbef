/** Keys: `/` searches, `?` shows all keys, `data-key="n"` on a link or button presses it. */
import { h } from "../dom.js";
import { _ } from "../texts.js";

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable], .cm-editor, .xterm");

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "?") {
    event.preventDefault();
    showKeys();
  } else {
    const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key && one.offsetParent);
    if (!wanted) return;
    event.preventDefault();
    wanted.click();
  }
}

const label = (element) => element.dataset.keyLabel ?? element.getAttribute("aria-label") ?? element.textContent.trim();

function known() {
  const keys = [
    ["/", _("Search")],
    ["?", _("Show this list")],
    ["Esc", _("Close menus and dialogs")],
  ];
  for (const element of document.querySelectorAll("[data-key]")) keys.push([element.dataset.key, label(element)]);
  if (document.querySelector("muntin-console")) {
    keys.push(["↑ ↓", _("Earlier and later commands, in the console")], ["Ctrl F", _("Search in the console")]);
  }
  if (document.querySelector("muntin-editor")) keys.push(["Ctrl S", _("Save, in the editor")], ["Ctrl F", _("Search, in the editor")]);
  return keys;
}

function showKeys() {
  const rows = known().map(([key, text]) => h("div", { class: "m-keys-row" }, h("dd", {}, text), h("dt", {}, ...key.split(" ").map((one) => h("kbd", {}, one)))));
  const dialog = h(
    "dialog",
    { class: "m-dialog", "aria-labelledby": "m-keys-title" },
    h("div", { class: "m-dialog-header" }, h("h2", { id: "m-keys-title", class: "m-dialog-title" }, _("Keys")), h("button", { type: "button", class: "btn-close", "data-closes": true, "aria-label": _("Close") })),
    h("dl", { class: "m-dialog-body m-keys" }, ...rows),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("keydown", press);
document.addEventListener("click", (event) => event.target.closest?.("[data-show-keys]") && showKeys());
