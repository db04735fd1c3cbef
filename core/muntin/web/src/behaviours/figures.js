/** `data-figures-of="#console"`: inside it `data-field="cpu"` and `<progress data-bar="memory">` follow `muntin:stats`. */
import { bytes, duration, percent } from "../format.js";

const text = {
  cpu: (stats) => percent(stats.cpu),
  memory: (stats) => bytes(stats.memory),
  memory_limit: (stats) => bytes(stats.memory_limit),
  disk: (stats) => bytes(stats.disk),
  disk_limit: (stats) => bytes(stats.disk_limit),
  rx: (stats) => bytes(stats.network.rx),
  tx: (stats) => bytes(stats.network.tx),
  uptime: (stats) => duration(stats.uptime),
  players: (stats) => String(stats.players),
};

function known(stats, name) {
  return name === "rx" || name === "tx" ? stats.network : stats[name] !== undefined && stats[name] !== null;
}

document.addEventListener("muntin:stats", (event) => {
  const stats = event.detail;
  for (const area of document.querySelectorAll(`[data-figures-of="#${CSS.escape(event.target.id)}"]`)) {
    for (const field of area.querySelectorAll("[data-field]")) {
      const name = field.dataset.field;
      if (!text[name] || !known(stats, name)) continue;
      const words = text[name](stats);
      if (field.textContent !== words) field.textContent = words;
    }
    for (const bar of area.querySelectorAll("progress[data-bar]")) bar.value = stats[bar.dataset.bar] ?? 0;
  }
});
