/** What every page loads: htmx, the small behaviours, and the big elements when a page holds one. */
import htmx from "htmx.org/dist/htmx.esm.js";
import "./behaviours/copy.js";
import "./behaviours/dialogs.js";
import "./behaviours/figures.js";
import "./behaviours/forms.js";
import "./behaviours/keys.js";
import "./behaviours/live.js";
import "./behaviours/menus.js";
import "./behaviours/power.js";
import "./behaviours/requests.js";
import "./behaviours/tables.js";
import "./behaviours/tags.js";
import "./behaviours/theme-switch.js";
import "./behaviours/time.js";
import { toast } from "./dom.js";

window.htmx = htmx;
window.muntin = { toast };

const big = {
  "muntin-console": () => import("./console.js"),
  "muntin-chart": () => import("./chart.js"),
  "muntin-editor": () => import("./editor.js"),
};

function loadWanted() {
  for (const [tag, load] of Object.entries(big)) {
    if (!document.querySelector(tag)) continue;
    delete big[tag];
    load();
  }
}

loadWanted();
document.addEventListener("htmx:load", loadWanted);
