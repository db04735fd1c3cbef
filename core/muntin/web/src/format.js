/** Figures as people read them; the same words as `muntin.pages` uses on the server. */
const STEPS = ["B", "KiB", "MiB", "GiB", "TiB"];
const language = document.documentElement.lang || undefined;
const number = (value, digits) => value.toLocaleString(language, { maximumFractionDigits: digits });

/** 1536 -> "1.5 KiB" */
export function bytes(value) {
  let step = 0;
  let left = value;
  while (left >= 1024 && step < STEPS.length - 1) {
    left /= 1024;
    step += 1;
  }
  return `${number(left, left < 10 && step ? 1 : 0)} ${STEPS[step]}`;
}

export const percent = (value) => `${number(value, value < 10 ? 1 : 0)} %`;
export const plain = (value) => number(value, 2);
export const rate = (value) => `${bytes(value)}/s`;

/** 93784 -> "1 d 2 h" */
export function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

export const formats = { bytes, percent, plain, rate, seconds: duration };
