/** Buttons `data-choose-theme="light|dark|auto"`; the chosen one is pressed. */
const root = document.documentElement;

function show() {
  for (const button of document.querySelectorAll("[data-choose-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.chooseTheme === root.dataset.theme));
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-choose-theme]");
  if (button) root.dispatchEvent(new CustomEvent("muntin:choose-theme", { detail: button.dataset.chooseTheme }));
});
root.addEventListener("muntin:theme", show);
show();
