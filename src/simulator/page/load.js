// @ts-check
/// <reference lib="dom" />
/**
 * Load: how much there is, and what the bridge makes of it, drawn for the last half minute.
 *
 * @module
 */

import { find, make } from "./dom.js";
import { act } from "./link.js";

/** @typedef {import("../handset/events.ts").PageEvent} PageEvent */
/** @typedef {import("../handset/events.ts").Sample} Sample */

const SAMPLES = 60;
const WIDTH = 240;
const HEIGHT = 60;
/** A chart is at most so many times as high as the middle of its values: the rest stays to be seen. */
const HIGHEST = 4;
const SVG = "http://www.w3.org/2000/svg";

/** Waits for the slider to rest, so that not each step on the way is sent. */
const REST_MS = 120;

export class Load {
  constructor() {
    /** @type {Sample[]} */
    this.samples = [];
    this.slider = find("load", HTMLInputElement);
    this.value = find("load-value", HTMLOutputElement);
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.rates = new Chart("Messages a second", "/s", ["sent", "Turn has"]);
    this.delays = new Chart("Delay", " ms", ["95 %", "median"]);
    find("charts", HTMLElement).append(this.rates.figure, this.delays.figure);
    this.slider.addEventListener("input", () => {
      const rate = Number(this.slider.value);
      this.showRate(rate);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void act({ do: "setLoad", rate });
      }, REST_MS);
    });
  }

  /** @param {PageEvent} event */
  take(event) {
    if (event.kind === "settings" && this.timer === undefined) {
      this.slider.value = String(event.load);
      this.showRate(event.load);
    } else if (event.kind === "sample") {
      this.samples = [...this.samples, event].slice(-SAMPLES);
      this.draw(event);
    }
  }

  /** @param {number} rate */
  showRate(rate) {
    this.value.textContent = rate === 0 ? "off" : `${rate} messages/s`;
    this.slider.setAttribute("aria-valuetext", this.value.textContent);
  }

  /** @param {Sample} last */
  draw({ sent, delivered, medianMs, p95Ms, between }) {
    find("charts", HTMLElement).hidden = false;
    const { samples } = this;
    this.rates.draw(
      [samples.map((sample) => sample.sent), samples.map((sample) => sample.delivered)],
      [`${sent}/s sent`, `${delivered}/s with Turn`, `${between} between`],
    );
    this.delays.draw(
      [samples.map((sample) => sample.p95Ms), samples.map((sample) => sample.medianMs)],
      medianMs === null ? ["", "nothing arrives"] : [`95 %: ${p95Ms} ms`, `median: ${medianMs} ms`],
    );
  }
}

/**
 * The middle one of those that are not 0.
 *
 * @param {readonly number[]} values
 */
function middleOf(values) {
  const sorted = values.filter((value) => value > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Two lines over time. */
class Chart {
  /**
   * @param {string} title
   * @param {string} unit Stands behind a figure.
   * @param {readonly string[]} names
   */
  constructor(title, unit, names) {
    this.title = title;
    this.unit = unit;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.lines = names.map((name, index) => {
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("class", `line-${index}`);
      line.append(document.createElementNS(SVG, "title"));
      line.firstElementChild?.append(name);
      this.svg.append(line);
      return line;
    });
    this.now = make("p", {});
    this.top = make("span", { class: "top-value" });
    const caption = make("figcaption", {}, make("b", {}, title), this.now);
    this.figure = make("figure", {}, caption, make("div", { class: "plot" }, this.svg, this.top));
  }

  /**
   * @param {readonly (readonly (number | null)[])[]} series
   * @param {readonly string[]} now What each line tells, and more.
   */
  draw(series, now) {
    const values = series.flat().map((value) => value ?? 0);
    const peak = Math.max(...values);
    const most = Math.max(1, Math.min(peak, HIGHEST * middleOf(values)));
    const keys = now.map((text, index) => make("span", { class: `key key-${index}` }, text));
    this.now.replaceChildren(...keys.filter(({ textContent }) => textContent !== ""));
    const above = peak > most ? `, peak ${Math.round(peak)}${this.unit}` : "";
    this.top.textContent = most > 1 ? `${Math.round(most)}${this.unit}${above}` : "";
    this.svg.setAttribute("aria-label", `${this.title}: ${now.join(", ")}${above}`);
    this.lines.forEach((line, index) => {
      const values = series[index] ?? [];
      const samples = values.length;
      const points = values.map((value, place) => {
        const x = WIDTH - (samples - 1 - place) * WIDTH / (SAMPLES - 1);
        const y = HEIGHT - 2 - Math.min(1, (value ?? 0) / most) * (HEIGHT - 4);
        return `${x.toFixed(1)},${y.toFixed(1)}`;
      });
      line.setAttribute("points", points.join(" "));
    });
  }
}
