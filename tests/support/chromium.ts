/**
 * A headless Chromium that looks at pages of ours: one for all, as its start is long. `deno task test`
 * provides it.
 *
 * @module
 */

import { type Browser, launch, type Page } from "puppeteer-core";
import { CHROMIUM_VARIABLE } from "./chromium_find.ts";

const path = Deno.env.get(CHROMIUM_VARIABLE);

/** What is to be said in a test's name, if there is no Chromium for it. */
const NO_CHROMIUM: string | undefined = path
  ? undefined
  : `${CHROMIUM_VARIABLE} is not set: install Chromium, and run "deno task test", which finds it`;

/** Runs a test in a browser; ignored, and said so, where there is none. */
export function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: NO_CHROMIUM === undefined ? name : `${name} (${NO_CHROMIUM})`,
    ignore: NO_CHROMIUM !== undefined,
    // The browser goes on for the next one.
    sanitizeOps: false,
    sanitizeResources: false,
    fn,
  });
}

/** How a page is seen. */
export interface ViewOptions {
  /** Width of the window. */
  readonly width?: number;
  /** Height of the window. */
  readonly height?: number;
  /** What the user prefers. */
  readonly dark?: boolean;
  /** Pixels of the screen for one of the page. */
  readonly scale?: number;
  /** What is on the page when it has loaded; by default, that it is connected. */
  readonly ready?: string;
}

/** A page that is open, for a user who has seen no other. */
export interface View extends AsyncDisposable {
  /** The page. */
  readonly page: Page;
  /** What went wrong in it: errors of scripts, and whatever the policy forbade. */
  readonly faults: readonly string[];
}

let running: Promise<{ readonly browser: Browser; readonly profile: string }> | undefined;

async function start(): Promise<{ readonly browser: Browser; readonly profile: string }> {
  const profile = await Deno.makeTempDir({ prefix: "turn-channels-chromium-" });
  const browser = await launch({
    executablePath: path ?? "",
    headless: true,
    userDataDir: profile,
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ],
  });
  return { browser, profile };
}

/** Ends the browser, if a page was opened. */
export async function closeBrowser(): Promise<void> {
  if (running === undefined) return;
  const { browser, profile } = await running;
  running = undefined;
  if (browser.connected) await browser.close();
  await Deno.remove(profile, { recursive: true });
}

/** Opens a page. */
export async function openView(url: string, options: ViewOptions = {}): Promise<View> {
  const { width = 1360, height = 860, dark = false, scale = 1 } = options;
  const { ready = '#link[data-state="ok"]' } = options;
  // One that has died takes only the test along that it was used by.
  if (running !== undefined && !(await running).browser.connected) await closeBrowser();
  const { browser } = await (running ??= start());
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  await page.setViewport({ width, height, deviceScaleFactor: scale });
  const value = dark ? "dark" : "light";
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await page.goto(url);
  await page.waitForSelector(ready);
  return {
    page,
    faults,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
