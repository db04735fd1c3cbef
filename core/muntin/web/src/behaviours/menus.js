/** Menus are native popovers: `popovertarget` opens, Escape and a click beside close. Here: place and arrow keys. */
const items = (menu) => [...menu.querySelectorAll("a[href], button:not(:disabled)")].filter((one) => one.offsetParent);
const opener = (menu) => document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`);

/** Below its button and flush with its far edge; above or shifted where that would leave the window. */
function place(menu) {
  const button = opener(menu);
  if (!button || menu.dataset.placed === "css") return;
  const box = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const rtl = getComputedStyle(menu).direction === "rtl";
  const wanted = rtl ? box.left : box.right - width;
  const left = Math.min(Math.max(8, wanted), Math.max(8, innerWidth - width - 8));
  const below = box.bottom + 4;
  const top = below + height > innerHeight - 8 && box.top - height - 4 > 8 ? box.top - height - 4 : below;
  Object.assign(menu.style, { position: "fixed", inset: "auto", margin: "0", left: `${left}px`, top: `${top}px` });
}

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches("[popover].dropdown-menu")) return;
    const open = event.newState === "open";
    opener(menu)?.setAttribute("aria-expanded", String(open));
    if (open) place(menu);
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.("[popovertarget][aria-haspopup]");
  if (button && event.key === "ArrowDown") {
    event.preventDefault();
    const menu = document.getElementById(button.getAttribute("popovertarget"));
    menu.showPopover();
    return items(menu)[0]?.focus();
  }
  const menu = event.target.closest?.("[popover].dropdown-menu");
  if (!menu) return undefined;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (next === undefined) return undefined;
  event.preventDefault();
  return all.at(next % all.length)?.focus();
});

document.addEventListener("click", (event) => {
  const item = event.target.closest?.("[popover].dropdown-menu a, [popover].dropdown-menu button:not([data-stay])");
  item?.closest("[popover]").hidePopover?.();
});
document.querySelectorAll(".m-tabs [aria-current]").forEach((tab) => {
  tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
});
const closeAll = () => document.querySelectorAll("[popover].dropdown-menu:popover-open").forEach((one) => one.hidePopover());
addEventListener("scroll", (event) => event.target === document && closeAll(), { passive: true, capture: true });
addEventListener("resize", closeAll);
