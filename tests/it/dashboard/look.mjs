// Goes through the gateway's dashboard in a real browser, as its first operator does: by keyboard where a person would
// type, each page on a desk and on a phone, in light and in dark. It reports what axe and the layout say about each;
// the judgement is in dashboard.rs.
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const gateway = JSON.parse(process.env.GATEWAY);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

async function open() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, baseURL: gateway.url, reducedMotion: "reduce" });
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

async function look(page, name) {
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
async function reach(page, selector) {
  for (let step = 0; step < 200; step++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${selector} cannot be reached by keyboard on ${page.url()}`);
}

async function type(page, selector, text) {
  await reach(page, selector);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(text);
}

async function tick(page, selector) {
  await reach(page, selector);
  await page.keyboard.press("Space");
}

async function press(page, selector) {
  await reach(page, selector);
  await page.keyboard.press("Enter");
}

const page = await open();
await page.goto(gateway.link);
await look(page, "sign-in-link");
await press(page, "main form button");
await page.waitForSelector("text=New organisation");
await look(page, "home-empty");

await page.keyboard.press("Tab");
const skip = await page.evaluate(() => document.activeElement.textContent);
await page.keyboard.press("Enter");
await page.keyboard.press("Tab");
say({ skip, skipped: await page.evaluate(() => document.activeElement.closest("main") !== null) });

await type(page, "input[name=name]", "Contoso Limited");
await type(page, "input[name=slug]", "contoso");
await page.keyboard.press("Enter");
await page.waitForURL("**/orgs/contoso");
await look(page, "overview-empty");

const to = (path) => page.goto(`/orgs/contoso${path}`);
await to("/identities");
await look(page, "identities-none");
await to("/settings/agent-identity");
await look(page, "settings-before");
await type(page, "input[name=display_name]", "Contoso Assistant");
await page.keyboard.press("Enter");
await page.waitForSelector("ol.chain");
// What is written into the page stays there only while it is not loaded again.
await page.evaluate(() => { window.stayed = true; });
const chain = () => page.evaluate(() => {
  const state = document.querySelector("[data-live] .state").textContent;
  return `${state} ${document.querySelectorAll("ol.chain li.done").length}`;
});
const first = await chain();
await look(page, "settings-during");
await page.locator("[data-live] .state.good, [data-live] .state.bad").waitFor();
say({ live: [first, await chain()], stayed: await page.evaluate(() => window.stayed === true) });
await look(page, "settings-after");

await page.goto("/");
await look(page, "home");
await type(page, "input[name=q]", "oso limi");
await page.keyboard.press("Enter");
await page.waitForSelector("text=All of them");
await look(page, "home-found");
await to("");
await look(page, "overview");
await to("/identities");
await look(page, "identities");
await page.click("main table a");
await look(page, "identity");
const identity = page.url();
await page.goto(`${identity}/appearance`);
await look(page, "appearance");
await type(page, "input[name=job_title]", "Controller");
await page.keyboard.press("Enter");
await page.waitForSelector("dd >> text=Controller");
await to("/settings/specialist");
await look(page, "specialist");
await page.goto(`${identity}/aliases`);
await type(page, "input[name=aliases]", "cfo, dev-team");
await page.keyboard.press("Enter");
await page.waitForSelector("text=Set-Mailbox");
await look(page, "aliases");
await page.goto(`${identity}/test-send`);
await type(page, "input[name=to]", "ada@contoso.example");
await page.keyboard.press("Enter");
await page.waitForSelector("text=It was sent from");
await look(page, "test-send");
await page.goto(`${identity}/deprovision`);
await look(page, "deprovision");
await page.goto(`${identity}/sponsor`);
await look(page, "sponsor");
await page.goto("/sponsorships");
await look(page, "sponsorships");

await to("/audit");
await look(page, "audit");
await page.click("main table a");
await look(page, "audit-entry");
await to("/jobs");
await look(page, "jobs");
await to("/jobs?state=dead");
await look(page, "jobs-given-up");
await to("/health");
await look(page, "health");

await to("/settings/suspension");
await look(page, "suspension");
await page.goto("/blueprints");
await look(page, "blueprints");
await page.goto("/jobs");
await look(page, "gateway-jobs");
await to("/reviews");
await look(page, "reviews");
await to("/settings/licences");
await look(page, "licences");
await to("/settings/agent-identity/tenant");
await look(page, "own-tenant");

await to("/settings/members");
await type(page, "input[name=label]", "Grace Hopper");
await page.keyboard.press("Enter");
await page.waitForSelector(".secret");
await look(page, "invitation-made");
const invitation = await page.innerText(".secret");
await page.goto(invitation);
await look(page, "invitation");
await to("/settings/members");
await look(page, "members");

await to("/settings/api-keys");
await type(page, "input[name=name]", "nightly report");
for (const scope of ["identities:read", "audit:read", "audit:write"]) await tick(page, `input[name='scope ${scope}']`);
await type(page, "input[name=allowed_from]", "127.0.0.1");
await page.keyboard.press("Enter");
await page.waitForSelector(".secret");
await look(page, "api-key-made");
await to("/settings/api-keys");
await look(page, "api-keys");

const link = await page.evaluate(async () => {
  const answer = await fetch("/api/v1/orgs/contoso/audit/entries/1/links", { method: "POST" });
  return answer.json();
});
const stranger = await open();
await stranger.goto(link.link);
await look(stranger, "audit-link");
await stranger.goto("/orgs/contoso");
await look(stranger, "problem-sign-in");
await to("/audit/999999");
await look(page, "problem-missing");
await page.click("main a[href^='/docs/problems#']");
await look(page, "problems");
await to("/settings/api-keys");
await type(page, "input[name=name]", "nothing");
await page.keyboard.press("Enter");
await page.waitForSelector("main.alone");
await look(page, "problem-form");

await page.goto(`${identity}/deprovision`);
await press(page, "main form button.danger");
await page.locator("[data-live] .state", { hasText: "deprovisioned" }).waitFor();

await browser.close();
say({ done: true });
