/** Rows that open, bulk selection, and where the pressed link of a table goes. */
const INTERACTIVE = "a, button, input, select, textarea, label, summary, [popover]";

document.addEventListener("click", (event) => {
  const row = event.target.closest?.("[data-href]");
  if (!row || event.target.closest(INTERACTIVE) || getSelection()?.toString()) return;
  if (event.ctrlKey || event.metaKey) open(row.dataset.href, "_blank", "noopener");
  else location.assign(row.dataset.href);
});
document.addEventListener("auxclick", (event) => {
  const row = event.target.closest?.("[data-href]");
  if (row && event.button === 1 && !event.target.closest(INTERACTIVE)) open(row.dataset.href, "_blank", "noopener");
});

/** Shows how many rows are chosen and the actions on them. */
function count(scope) {
  const rows = [...scope.querySelectorAll("[data-select-row]")];
  const chosen = rows.filter((one) => one.checked).length;
  const all = scope.querySelector("[data-select-all]");
  if (all) {
    all.checked = chosen > 0 && chosen === rows.length;
    all.indeterminate = chosen > 0 && chosen < rows.length;
  }
  const bar = scope.querySelector("[data-bulk]");
  if (!bar) return;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-bulk-count]").textContent = String(chosen);
}

let last; // the row clicked before, for Shift + click
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-select-row], [data-select-all]")) return;
  const scope = box.closest("[data-selectable]");
  const rows = [...scope.querySelectorAll("[data-select-row]")];
  if (box.matches("[data-select-all]")) rows.forEach((one) => (one.checked = box.checked));
  else if (event.shiftKey && last?.isConnected) {
    const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b);
    rows.slice(from, to + 1).forEach((one) => (one.checked = box.checked));
  }
  last = box;
  count(scope);
});

/** Columns that small screens leave out are shown on demand; the choice outlives what htmx puts in anew. */
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-all-columns-switch]");
  if (button) tell(button.closest("[data-columns]"), button.getAttribute("aria-pressed") !== "true");
});
document.addEventListener("htmx:afterSwap", () => {
  for (const scope of document.querySelectorAll("[data-all-columns]")) tell(scope, true);
});
function tell(scope, all) {
  scope.toggleAttribute("data-all-columns", all);
  scope.querySelector("[data-all-columns-switch]")?.setAttribute("aria-pressed", String(all));
}

addEventListener("pageshow", () => document.querySelectorAll("[data-selectable]").forEach(count));
