/** Runs before the first paint, in <head>: sets the colour scheme a person chose ("light", "dark" or "auto"). */
const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    return localStorage.getItem("muntin.theme") ?? "auto";
  } catch {
    return "auto"; // storage refused: follow the device
  }
}

function apply() {
  const choice = chosen();
  const scheme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  root.dataset.theme = choice;
  root.setAttribute("data-bs-theme", scheme);
  root.style.colorScheme = scheme;
  root.dispatchEvent(new CustomEvent("muntin:theme", { detail: { scheme, choice } }));
}

apply();
dark.addEventListener("change", apply);
addEventListener("storage", (event) => event.key === "muntin.theme" && apply());
root.addEventListener("muntin:choose-theme", (event) => {
  try {
    localStorage.setItem("muntin.theme", event.detail);
  } catch {
    // storage refused: nothing to remember
  }
  apply();
});
