/**
 * <muntin-chart label="Memory" unit="bytes" series="memory" for="#console" limit="2147483648">
 * <muntin-chart label="Requests" unit="plain" src="/admin/figures.json" refresh="30">
 *
 * Live points come from `muntin:stats` of the element `for`; with `rate` a growing count becomes an amount per second.
 * Or JSON from `src`: {"time": [unix s], "series": [{"label", "values": [number|null], "tone"}], "limit": number|null};
 * a tone is good, busy or bad. With `bars`, what was counted at each time stands on top of each other.
 */
import uPlot from "uplot";
import { h } from "./dom.js";
import { formats } from "./format.js";
import { _ } from "./texts.js";

const SPAN_S = 300;
const HEIGHT_PX = 150;
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800];
const BYTE_STEPS = Array.from({ length: 50 }, (_none, power) => 2 ** power);
const TONES = { good: "--m-chart-good", busy: "--m-chart-busy", bad: "--m-chart-bad" };
const RATE_LEAST_S = 0.5; // figures that come closer together say nothing of a rate
const FEWEST = 4; // counted things: an axis of halves says nothing
const FIRST_SPAN_S = 60; // a live chart begins with a minute and grows to its span
const COLOURS = ["--m-chart-1", "--m-chart-2", "--m-chart-3", "--m-chart-4"];

const at = (object, path) => path.split(".").reduce((value, key) => value?.[key], object);

/** The colour a variable stands for in the present scheme, as `rgb(…)`: a canvas does not know `light-dark()`. */
function colour(holder, name) {
  const probe = h("i", { hidden: true });
  probe.style.color = `var(${name})`;
  holder.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
/** Each series on top of those after it: the first is drawn first, so what is lower covers it. */
function piled(series) {
  const sums = [];
  for (const values of [...series].reverse()) sums.unshift(values.map((value, at) => (value ?? 0) + (sums[0]?.[at] ?? 0)));
  return sums;
}
const faint = (rgb) => rgb.replace("rgb(", "rgba(").replace(")", ", 0.12)");

class MuntinChart extends HTMLElement {
  #plot;
  #time = [];
  #series = [];
  #limit = null;
  #counts = null;
  #values;
  #note;
  #holder;
  #stop = new AbortController();

  connectedCallback() {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#series = this.#named();
    this.#limit = Number(this.getAttribute("limit")) || null;
    if (!this.#holder) this.#frame();
    if (this.hasAttribute("for")) document.addEventListener("muntin:stats", (event) => this.#stats(event), { signal });
    if (this.hasAttribute("src")) this.#follow(signal);
    document.documentElement.addEventListener("muntin:theme", () => this.#rebuild(), { signal });
    const observer = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
    observer.observe(this.#holder);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  get #format() {
    return formats[this.getAttribute("unit")] ?? formats.plain;
  }

  #named() {
    const names = (this.getAttribute("series") ?? "").split(",").filter(Boolean);
    const labels = (this.getAttribute("labels") ?? "").split(",");
    return names.map((name, index) => ({ name, label: labels[index] || this.getAttribute("label"), values: [] }));
  }

  #frame() {
    this.#values = h("div", { class: "m-chart-values" });
    this.#note = h("div", { class: "m-chart-note" }, _("No figures yet"));
    this.#holder = h("div", { class: "m-chart-plot", role: "img", "aria-label": this.getAttribute("label") }, this.#note);
    this.replaceChildren(h("div", { class: "m-chart-head" }, h("span", { class: "m-chart-label" }, this.getAttribute("label")), this.#values), this.#holder);
  }

  #size() {
    return { width: Math.max(80, this.#holder.clientWidth), height: Number(this.getAttribute("height")) || HEIGHT_PX };
  }

  async #follow(signal) {
    const load = async () => {
      const response = await fetch(this.getAttribute("src"), { credentials: "same-origin", headers: { Accept: "application/json" }, signal });
      if (!response.ok) throw new Error(String(response.status));
      this.show(await response.json());
    };
    const failed = () => !signal.aborted && !this.#time.length && (this.#note.textContent = _("These figures cannot be read now."));
    await load().catch(failed);
    const every_s = Number(this.getAttribute("refresh"));
    if (!every_s) return;
    const timer = setInterval(() => !document.hidden && load().catch(failed), every_s * 1000);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** Shows {time, series, limit}; what was shown before goes. */
  show({ time, series, limit }) {
    this.#time = time;
    this.#limit = limit ?? this.#limit;
    const same = this.#plot && series.length === this.#series.length;
    this.#series = series.map((one) => ({ ...one }));
    if (same) this.#draw();
    else this.#rebuild();
  }

  #stats(event) {
    if (!event.target.matches(this.getAttribute("for"))) return;
    const now = Date.now() / 1000;
    const values = this.#series.map(({ name }) => at(event.detail, name));
    if (values.some((value) => typeof value !== "number")) return;
    const limit = at(event.detail, this.getAttribute("limit-field") ?? "none");
    if (limit) this.#limit = limit;
    const points = this.hasAttribute("rate") ? this.#perSecond(now, values) : values;
    if (!points) return;
    this.#time.push(now);
    this.#series.forEach((one, index) => one.values.push(points[index]));
    const span = Number(this.getAttribute("span")) || SPAN_S;
    while (this.#time[0] < now - span) {
      this.#time.shift();
      this.#series.forEach((one) => one.values.shift());
    }
    if (this.#plot) this.#draw();
    else this.#rebuild();
  }

  #perSecond(now, values) {
    const before = this.#counts;
    if (before && now - before.now < RATE_LEAST_S) return null;
    this.#counts = { now, values };
    if (!before || now - before.now > 30) return null;
    return values.map((value, index) => Math.max(0, value - before.values[index]) / (now - before.now || 1));
  }

  get #data() {
    const values = this.#series.map((one) => one.values);
    return [this.#time, ...(this.hasAttribute("bars") ? piled(values) : values)];
  }

  #draw() {
    this.#plot.setData(this.#data);
    this.#say();
  }

  #rebuild() {
    if (!this.#time.length) return;
    this.#plot?.destroy();
    this.#note.remove();
    const ink = colour(this, "--m-chart-ink");
    const grid = { stroke: colour(this, "--m-chart-grid"), width: 1 };
    const axis = { stroke: ink, grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const lines = this.#series.map((one, index) => {
      const stroke = colour(this, TONES[one.tone] ?? COLOURS[index % COLOURS.length]);
      const bars = this.hasAttribute("bars") ? { width: 0, fill: stroke, paths: uPlot.paths.bars({ size: [0.7, 28] }) } : {};
      return { label: one.label, stroke, width: 2, fill: faint(stroke), points: { show: false }, ...bars };
    });
    const limitColour = colour(this, "--m-chart-limit");
    const options = {
      ...this.#size(),
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false } },
      scales: { x: { range: (_plot, low, high) => this.#window(low, high) }, y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, this.#limit ? this.#limit * 1.05 : 0, this.hasAttribute("bars") ? FEWEST : 0) || 1] } },
      axes: [{ ...axis, space: 70, size: 26, incrs: TIME_STEPS_S, values: (_plot, ticks) => this.#times(ticks) }, { ...axis, size: 62, space: 40, ...(/^(bytes|rate)$/.test(this.getAttribute("unit")) ? { incrs: BYTE_STEPS } : {}), values: (_plot, ticks) => ticks.map((tick) => this.#format(tick)) }],
      series: [{}, ...lines],
      hooks: { setCursor: [() => this.#say()], draw: [(plot) => this.#drawLimit(plot, limitColour)] },
    };
    this.#plot = new uPlot(options, this.#data, this.#holder);
    this.#say();
  }

  /** What the figures may reach, as a dashed line from edge to edge. */
  #drawLimit(plot, stroke) {
    if (!this.#limit) return;
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(this.#limit, "y", true));
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  /** A live chart moves through a window of fixed length; figures from an address fill theirs. */
  #window(low, high) {
    const span = Number(this.getAttribute("span")) || SPAN_S;
    if (this.hasAttribute("for")) return [Math.max(high - span, Math.min(low, high - FIRST_SPAN_S)), high];
    const half = this.hasAttribute("bars") && this.#time.length > 1 ? (this.#time[1] - this.#time[0]) / 2 : 0;
    return [low - half, Math.max(high, low + 1) + half];
  }

  #times(ticks) {
    const span = ticks.at(-1) - ticks[0];
    const style = span > 172_800 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit", ...(span < 240 ? { second: "2-digit" } : {}) };
    const words = new Intl.DateTimeFormat(document.documentElement.lang || undefined, { ...style, hourCycle: "h23", timeZone: document.documentElement.dataset.timeZone });
    return ticks.map((tick) => words.format(tick * 1000));
  }

  /** The values under the pointer, else the newest, beside the label. */
  #say() {
    const index = this.#plot.cursor.idx ?? this.#time.length - 1;
    const shown = this.#series.map((one, number) => {
      const value = one.values[index];
      const text = value === null || value === undefined ? "–" : this.#format(value);
      const dot = h("i", { class: `m-chart-dot m-chart-dot-${TONES[one.tone] ? one.tone : (number % COLOURS.length) + 1}` });
      return h("span", {}, ...(this.#series.length > 1 ? [dot, `${one.label} `] : []), h("b", {}, text));
    });
    if (this.#limit) shown.push(h("span", { class: "m-chart-limit" }, `/ ${this.#format(this.#limit)}`));
    const hovered = this.#plot.cursor.idx !== null && this.#plot.cursor.idx !== undefined;
    if (hovered) shown.push(h("time", {}, new Date(this.#time[index] * 1000).toLocaleTimeString()));
    this.#values.replaceChildren(...shown);
    this.#holder.setAttribute("aria-label", `${this.getAttribute("label")}: ${this.#values.textContent}`);
  }
}

customElements.define("muntin-chart", MuntinChart);
