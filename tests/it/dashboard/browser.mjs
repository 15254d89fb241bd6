// A real browser, used by keyboard: each page is looked at on a desk and on a phone, in light and in dark, and what axe
// and the layout say about it is reported.
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const gateway = JSON.parse(process.env.GATEWAY);
export const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

export async function open() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, baseURL: gateway.url, reducedMotion: "reduce",
    // The tenant's certificate is of an authority of its own.
    ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.on("pageerror", (error) => say({ wrong: `${page.url()}: ${error}` }));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) say({ wrong: `${page.url()}: ${message.text()}` });
  });
  return page;
}

// All of axe once in each width and once in each scheme: only colours differ between light and dark.
const LOOKS = [
  { width: 1280, colorScheme: "light", axe: (builder) => builder },
  { width: 1280, colorScheme: "dark", axe: (builder) => builder.withRules(["color-contrast"]) },
  { width: 360, colorScheme: "dark", axe: (builder) => builder },
  { width: 360, colorScheme: "light", axe: null },
];

export async function look(page, name) {
  for (const { width, colorScheme, axe } of LOOKS) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    const found = axe ? await axe(new AxeBuilder({ page }).setLegacyMode()).analyze() : { violations: [] };
    const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
    const overflows = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    const path = `${process.env.SCREENSHOTS}/gateway-${name}-${width}-${colorScheme}.png`;
    await page.screenshot({ path, fullPage: name !== "problems" });
    say({ page: name, width, scheme: colorScheme, violations, overflows, title: await page.title() });
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
}

// Tab to a control, as somebody without a mouse does.
export async function reach(page, selector) {
  for (let step = 0; step < 200; step++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${selector} cannot be reached by keyboard on ${page.url()}`);
}

export async function type(page, selector, text) {
  await reach(page, selector);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(text);
}

export async function tick(page, selector) {
  await reach(page, selector);
  await page.keyboard.press("Space");
}

export async function press(page, selector) {
  await reach(page, selector);
  await page.keyboard.press("Enter");
}
