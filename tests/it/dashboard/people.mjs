// What wants somebody of a tenant at Entra's own pages: an administrator who connects a customer's tenant, and a person
// who takes a sponsorship over.
import { gateway, look, open, type } from "./browser.mjs";

const { sandbox } = gateway;
const GRACE = { id: "a77ac4e0-0000-4000-8000-000000000102", upn: "grace@contoso.example", password: "Sandbox-Grace-1906" };

// Fills in what Entra asks, and agrees, until it sends the browser back.
async function through(page, person) {
  const entra = new URL(sandbox.url).origin;
  for (let step = 0; step < 8 && page.url().startsWith(entra); step++) {
    const password = page.locator("input[name=password]");
    if (await password.count()) {
      await page.fill("input[name=username]", person.upn);
      await password.fill(person.password);
      await password.press("Enter");
    } else {
      await page.click("button[value=accept]");
    }
    await page.waitForLoadState();
  }
}

// A tenant of somebody else's is connected by its administrator, who names the organisation.
export async function connect(page, slug) {
  const made = await page.request.post(`${sandbox.url}/_sandbox/tenants`, {
    headers: { authorization: `Bearer ${sandbox.control_token}` }, data: {},
  });
  const customer = await made.json();
  await type(page, "input[name=tenant]", customer.tenant_id);
  await page.keyboard.press("Enter");
  await page.waitForURL(`${sandbox.url}/**`);
  await through(page, customer.users[0]);
  await page.waitForSelector("input[name=organisation]");
  await look(page, "own-tenant-named");
  await type(page, "input[name=organisation]", slug);
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=How it is used");
  await look(page, "own-tenant-connected");
}

// Somebody is asked to answer for an agent, and agrees.
export async function takeOver(page, sponsor) {
  await page.goto(sponsor);
  await type(page, "input[name=sponsor]", GRACE.id);
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=they are asked at");
  await look(page, "sponsor-named");
  const successor = await open();
  await successor.goto("/sponsorships");
  await through(successor, GRACE);
  await successor.goto("/sponsorships");
  await look(successor, "sponsorships-asked");
  await successor.click("text=I answer for it");
  await successor.waitForSelector("text=You are asked for nothing now");
}
