// Goes through the gateway's dashboard in a real browser, as its first operator does: by keyboard where a person would
// type. The judgement is in dashboard.rs.
import { browser, gateway, look, open, press, say, tick, type } from "./browser.mjs";
import { connect, takeOver } from "./people.mjs";

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
await takeOver(page, `${identity}/sponsor`);

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
await connect(page, "contoso");

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

await to("/settings/suspension");
await type(page, "form[action$='/identity'] input[name=reason]", "It writes to the wrong people");
await page.keyboard.press("Enter");
await page.locator("[data-live] tbody tr", { hasText: "AADSTS" }).waitFor();
await look(page, "suspended");
await page.goto(identity);
await look(page, "identity-suspended");

await page.goto(`${identity}/deprovision`);
await press(page, "main form button.danger");
await page.locator("[data-live] .state", { hasText: "deprovisioned" }).waitFor();

await press(page, "header.top form button");
await page.waitForURL("**/signed-out");
await look(page, "signed-out");

await browser.close();
say({ done: true });
