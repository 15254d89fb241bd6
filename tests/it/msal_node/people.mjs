// MSAL for Node, unmodified, with the flows that a person answers: the browser and a loopback server, the code that
// an application redeems by itself, and the device code; what follows silently from each. It speaks one JSON object
// a line with the test that runs it; $SANDBOX holds the sandbox's ready line.

import { readSync } from 'node:fs';

import * as msal from '@azure/msal-node';

const ready = JSON.parse(process.env.SANDBOX);
const tell = (said) => console.log(JSON.stringify(said));
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

/** Waits as it listens: MSAL does not ask for a device's token before its callback is back. */
function hear() {
  const bytes = [];
  const byte = Buffer.alloc(1);
  while (readSync(0, byte) === 1 && byte[0] !== 0x0a) bytes.push(byte[0]);
  return JSON.parse(Buffer.from(bytes).toString());
}

const authority = `${ready.url}/${ready.tenant_id}`;
const client = () => new msal.PublicClientApplication({
  auth: { clientId: ready.apps.client.client_id, authority, knownAuthorities: [new URL(ready.url).host] },
});

async function me(token) {
  const answer = await fetch(`${ready.url}/v1.0/me`, { headers: { authorization: `Bearer ${token}` } });
  return await answer.json();
}

/** What a flow brought, what the account gets silently afterwards, and whether that was asked for anew. */
async function told(flow, app, got) {
  const cached = await app.acquireTokenSilent({ account: got.account, scopes: ['User.Read'] });
  const renewed = await app.acquireTokenSilent({ account: got.account, scopes: ['User.Read'], forceRefresh: true });
  tell({
    flow,
    account: { name: got.account.username, id: got.account.homeAccountId, tenant: got.account.tenantId },
    claims: claims(got.accessToken),
    idToken: got.idTokenClaims,
    cached: cached.fromCache && cached.accessToken === got.accessToken,
    renewed: !renewed.fromCache && renewed.accessToken !== got.accessToken,
    me: await me(renewed.accessToken),
  });
}

const interactive = client();
await told('interactive', interactive, await interactive.acquireTokenInteractive({
  scopes: ['User.Read'],
  openBrowser: async (open) => tell({ open }),
  successTemplate: 'Signed in.',
}));

const redeeming = client();
const { verifier, challenge } = await new msal.CryptoProvider().generatePkceCodes();
const flow = { scopes: ['User.Read'], redirectUri: 'http://localhost:1', state: 'a state', nonce: 'a nonce' };
tell({
  open: await redeeming.getAuthCodeUrl({ ...flow, codeChallenge: challenge, codeChallengeMethod: 'S256' }),
});
const brought = hear();
const redemption = { ...flow, code: brought.code, codeVerifier: verifier };
await told('code', redeeming, await redeeming.acquireTokenByCode(redemption, { ...brought, nonce: flow.nonce }));
try {
  await redeeming.acquireTokenByCode(redemption, { ...brought, nonce: flow.nonce });
  tell({ flow: 'again', token: true });
} catch (error) {
  tell({ flow: 'again', error: error.errorCode, message: error.errorMessage });
}

const device = client();
await told('device code', device, await device.acquireTokenByDeviceCode({
  scopes: ['User.Read'],
  deviceCodeCallback: ({ verificationUri, userCode }) => {
    tell({ verification_uri: verificationUri, user_code: userCode });
    hear();
  },
}));
