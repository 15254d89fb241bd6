// Visits every page of the sandbox in a real browser, by keyboard where a person would type, on a desk and on a
// phone, in light and in dark, and reports what axe and the layout say about each. The judgement is in pages.rs.
import { once } from "node:events";
import { createServer } from "node:http";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const sandbox = JSON.parse(process.env.SANDBOX);
const [admin, person] = sandbox.users;
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// The client's own page, to which sign-in returns.
const server = createServer((_, response) => response.end("landed")).listen(0, "localhost");
await once(server, "listening");
const client = `http://localhost:${server.address().port}/`;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

async function look(page, name) {
  const found = await new AxeBuilder({ page }).analyze();
  const { overflows, width } = await page.evaluate(() => ({
    overflows: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    width: document.documentElement.clientWidth,
  }));
  const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
  await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${width}.png`, fullPage: true });
  say({ page: name, width, violations, overflows, title: await page.title() });
}

function authorize(more) {
  const url = new URL(`${sandbox.url}/${sandbox.tenant_id}/oauth2/v2.0/authorize`);
  const query = {
    client_id: sandbox.apps.client.client_id, response_type: "code", redirect_uri: client,
    scope: "openid profile User.Read", state: "s", code_challenge_method: "S256",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", ...more,
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
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
  await page.keyboard.type(text);
}

// An agent with its chain, and somebody who speaks to it.
async function seed(context) {
  const agents = [{ name: "Clerk", sponsor: admin.upn, upn: `clerk@${sandbox.domain}`, licences: ["SPE_E3"] }];
  const said = { members: [admin.upn, person.upn], topic: "Tides", messages: [{ from: person.upn, text: "Shall we begin?" }] };
  const answer = await context.request.post(`${sandbox.url}/_sandbox/seed`, {
    headers: { authorization: `Bearer ${sandbox.control_token}` }, data: { agents, chats: [said] },
  });
  if (!answer.ok()) say({ wrong: await answer.text() });
}

async function visit(width, colorScheme) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width, height: 800 }, colorScheme });
  const page = await context.newPage();
  if (width > 1000) await seed(context);
  page.on("pageerror", (error) => say({ wrong: `${page.url()}: ${error}` }));

  await page.goto(authorize({ prompt: "consent" }));
  await look(page, "sign-in");
  await type(page, "#username", person.upn);
  await type(page, "#password", "wrong");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=alert]");
  await look(page, "sign-in-refused");
  await page.fill("#username", person.upn);
  await type(page, "#password", person.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector("button[value=accept]");
  await look(page, "consent");
  await reach(page, "button[value=accept]");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${client}**`);
  say({ landed: page.url() });

  // What only an administrator may grant, as somebody else sees it.
  await page.goto(authorize({ scope: "Mail.Read Directory.Read.All", prompt: "select_account", login_hint: person.upn }));
  await type(page, "#password", person.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".asked");
  await look(page, "approval");
  await context.clearCookies();
  await page.goto(`${sandbox.url}/${sandbox.tenant_id}/v2.0/adminconsent?${new URLSearchParams({
    client_id: sandbox.apps.client.client_id, scope: "https://graph.microsoft.com/Directory.Read.All Mail.Read", redirect_uri: client, state: "a",
  })}`);
  await look(page, "admin-sign-in");
  await type(page, "#username", admin.upn);
  await type(page, "#password", admin.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector("button[value=accept]");
  await look(page, "admin-consent");
  await reach(page, "button[value=cancel]");
  await page.keyboard.press("Enter");
  await page.waitForURL(/access_denied/);

  const device = await (await context.request.post(`${sandbox.url}/${sandbox.tenant_id}/oauth2/v2.0/devicecode`, {
    form: { client_id: sandbox.apps.client.client_id, scope: "openid User.Read" },
  })).json();
  await page.goto(`${sandbox.url}/devicelogin`);
  await look(page, "device");
  await type(page, "#user_code", device.user_code);
  await type(page, "#username", person.upn);
  await type(page, "#password", person.password);
  await page.keyboard.press("Enter");
  await page.waitForSelector("form", { state: "detached" });
  await look(page, "device-done");

  await page.goto(sandbox.url);
  await look(page, "token");
  await type(page, "#token", sandbox.control_token);
  await page.keyboard.press("Enter");
  await page.waitForURL(/overview/);
  await look(page, "overview");
  await page.goto(`${page.url().replace("overview", "chats")}?as=${admin.id}`);
  await look(page, "chats");
  await page.selectOption("#with", person.id);
  await reach(page, "form[method=post] button");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#content");
  const said = `Hello from ${width} <b>pixels</b>`;
  await type(page, "#content", said);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#newest");
  await look(page, "chat");
  say({ said, shown: await page.innerText("#newest p") });
  await page.goto(`${page.url().replace(/chats.*/, "mail")}?as=${person.id}`);
  await type(page, "#to", admin.upn);
  await page.fill("#subject", `Letter ${width}`);
  await page.fill("#content", "Dear administrator");
  await page.click("section:has(#write) button");
  await page.waitForURL(/sentitems/);
  say({ sent: await page.locator(".items a", { hasText: `Letter ${width}` }).count() });
  await look(page, "mail");
  await page.locator(".items a", { hasText: `Letter ${width}` }).first().click();
  await page.waitForSelector("pre.text");
  await look(page, "letter");
  await page.goto(page.url().replace(/mail.*/, "log"));
  await look(page, "log");
  await page.evaluate((mark) => fetch(`/v1.0/users?mark=${mark}`), `${width}`);
  await page.locator("#rows td", { hasText: `mark=${width}` }).waitFor();
  say({ followed: true });
  await page.goto(page.url().replace("log", "steer"));
  await look(page, "controls");
  await context.close();
}

await visit(1280, "light");
await visit(360, "dark");
await browser.close();
server.close();
say({ done: true });
