// How Microsoft's libraries for Node are pointed at the sandbox. Run under `attache sandbox exec`, which sets
// NODE_EXTRA_CA_CERTS.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConfidentialClientApplication } from '@azure/msal-node';
import { Client } from '@microsoft/microsoft-graph-client';

import { startTenant } from './start-tenant.mjs';

test('msal-node signs an application in, and fetch reads Graph', async (t) => {
  const tenant = await startTenant();
  t.after(() => tenant.end());
  const app = new ConfidentialClientApplication({
    auth: {
      clientId: tenant.provisioner.client_id,
      clientSecret: tenant.provisioner.client_secret,
      authority: tenant.authority,
      // Without this, MSAL asks login.microsoftonline.com whether it may trust the authority.
      knownAuthorities: [new URL(tenant.url).host],
    },
  });
  const { accessToken } = await app.acquireTokenByClientCredential({ scopes: ['https://graph.microsoft.com/.default'] });
  const answer = await fetch(`${tenant.url}/v1.0/users`, { headers: { authorization: `Bearer ${accessToken}` } });
  const { value } = await answer.json();
  assert.deepEqual(value.map((user) => user.id).sort(), tenant.users.map((user) => user.id).sort());
});

test('the Graph SDK reads page by page', async (t) => {
  const tenant = await startTenant();
  t.after(() => tenant.end());
  const graph = Client.initWithMiddleware({
    baseUrl: `${tenant.url}/`,
    // The SDK sends its token to Microsoft's hosts only, unless others are named.
    customHosts: new Set([new URL(tenant.url).hostname]),
    authProvider: { getAccessToken: () => tenant.appToken() },
  });
  const seen = [];
  let page = await graph.api('/users').top(2).get();
  for (;;) {
    seen.push(...page.value.map((user) => user.id));
    if (!page['@odata.nextLink']) break;
    page = await graph.api(page['@odata.nextLink']).get();
  }
  assert.deepEqual(seen.sort(), tenant.users.map((user) => user.id).sort());
});
