/** <muntin-time datetime="2026-11-21T01:00:00Z">: "5 minutes ago", the exact local time on hover. */
const UNITS = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const language = document.documentElement.lang || undefined;
const zone = document.documentElement.dataset.timeZone || undefined; // the account's zone, else the device's
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long", timeZone: zone });
const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: zone });
const shown = new Set();

export function relativeTime(date, now = Date.now()) {
  const seconds = (date.getTime() - now) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return relative.format(0, "second");
}

class MuntinTime extends HTMLElement {
  static observedAttributes = ["datetime", "format"];

  connectedCallback() {
    shown.add(this);
    this.render();
  }

  disconnectedCallback() {
    shown.delete(this);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.render();
  }

  render() {
    const date = new Date(this.getAttribute("datetime"));
    if (Number.isNaN(date.getTime())) return;
    const text = this.getAttribute("format") === "exact" ? short.format(date) : relativeTime(date);
    if (this.textContent !== text) this.textContent = text;
    this.title = exact.format(date);
  }
}

customElements.define("muntin-time", MuntinTime);
setInterval(() => !document.hidden && shown.forEach((one) => one.render()), 15_000);
document.addEventListener("visibilitychange", () => !document.hidden && shown.forEach((one) => one.render()));
