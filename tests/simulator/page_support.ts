/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The handset's page in a browser, with a real bridge behind it, and eyes and hands for it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { PageServer } from "../../src/simulator/handset/server.ts";
import { browserTest, closeBrowser, openView, type ViewOptions } from "../support/chromium.ts";
import { until } from "../support/until.ts";
import { type PlayOptions, startDemoPlay } from "./play.ts";

/** What is behind the page. */
export type DemoPlaying = Awaited<ReturnType<typeof startDemoPlay>>;

/** A user of the page. */
export class Person {
  readonly page: Page;
  readonly faults: readonly string[];

  constructor(page: Page, faults: readonly string[]) {
    this.page = page;
    this.faults = faults;
  }

  /**
   * The texts of what is seen. Not with `$$eval`, here and elsewhere: it makes and gives back a handle
   * for each element, and Deno 2.6 loses its connection to the browser over hundreds at once.
   */
  async texts(selector: string): Promise<string[]> {
    return await this.page.evaluate((selector) => {
      return [...document.querySelectorAll(selector)]
        .filter((element) => element.checkVisibility())
        .map((element) => element.textContent.trim());
    }, selector);
  }

  /** Waits until a text is seen. */
  async sees(selector: string, text: string | RegExp): Promise<void> {
    const fits = (seen: string): boolean =>
      typeof text === "string" ? seen.includes(text) : text.test(seen);
    let seen: readonly string[] = [];
    await until(`${text} in ${selector}, in place of ${seen}`, async () => {
      seen = await this.texts(selector);
      return seen.some(fits);
    }).catch((error) => assert.fail(`${error.message}; there is ${JSON.stringify(seen)}`));
  }

  /** Waits until nothing of it is seen. */
  async seesNo(selector: string): Promise<void> {
    await until(`no ${selector}`, async () => (await this.texts(selector)).length === 0);
  }

  /** Clicks what is seen, as soon as it is. */
  async clicks(selector: string): Promise<void> {
    await until(`${selector} to be clicked`, async () => {
      const element = await this.page.waitForSelector(selector, { visible: true });
      // What moves on the page at this moment may be somewhere else when it is to be clicked.
      return await element?.click().then(() => true, isMoved) ?? false;
    });
  }

  /** Writes into a field, in place of what is there, and presses Enter. */
  async enters(selector: string, text: string): Promise<void> {
    await this.clicks(selector);
    await this.page.$eval(selector, (field) => (field as HTMLInputElement).select());
    await this.page.keyboard.type(text);
    await this.page.keyboard.press("Enter");
  }

  /** Looks at the phone, or contact, of a user. */
  async chooses(list: "#phones" | "#contacts", address: string): Promise<void> {
    await this.sees(`${list} button`, address);
    await this.clicks(`${list} li ::-p-text(${address})`);
  }

  /** What has the focus. */
  async focus(): Promise<string> {
    return await this.page.evaluate(() => document.activeElement?.id ?? "");
  }
}

function isMoved(error: unknown): false {
  if (error instanceof Error && /not clickable|detached/.test(error.message)) return false;
  throw error;
}

Deno.test.afterAll(closeBrowser);

/** Runs a test at the page; ignored, and said so, where there is no browser. */
export function pageTest(
  name: string,
  test: (person: Person, playing: DemoPlaying & { server: PageServer }) => Promise<void>,
  options: PlayOptions & ViewOptions = {},
): void {
  browserTest(name, async () => {
    await using playing = await startDemoPlay(options);
    await using server = new PageServer({
      hostname: "127.0.0.1",
      port: 0,
      play: playing.play,
    });
    await using view = await openView(server.url, options);
    await test(new Person(view.page, view.faults), { ...playing, server });
    assert.deepEqual(view.faults, [], "errors on the page");
  });
}
