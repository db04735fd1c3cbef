/** Texts of scripts go through the page's own translation: <script type="application/json" id="muntin-texts">. */
let catalogue;

function load() {
  const element = document.getElementById("muntin-texts");
  return element ? JSON.parse(element.textContent) : {};
}

/** The text in the reader's language, `{name}` placeholders filled from `values`. */
export function _(text, values = {}) {
  catalogue ??= load();
  return (catalogue[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
