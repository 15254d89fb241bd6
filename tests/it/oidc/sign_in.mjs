// A strict OpenID Connect client, unmodified, signs a person in: discovery with its issuer, PKCE, state, nonce,
// the ID token's signature and claims, UserInfo with its subject, refresh, logout. It speaks one JSON object a
// line with the test that runs it; $SANDBOX holds the sandbox's ready line.

import { createInterface } from 'node:readline';

import * as oidc from 'openid-client';

const ready = JSON.parse(process.env.SANDBOX);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const tell = (said) => console.log(JSON.stringify(said));
const hear = async () => JSON.parse((await input.next()).value);
const redirect = 'http://localhost:1/';

const issuer = new URL(`${ready.url}/${ready.tenant_id}/v2.0`);
const config = await oidc.discovery(issuer, ready.apps.client.client_id, undefined, oidc.None());
// The ID token's signature is checked too, although it comes over TLS.
oidc.enableNonRepudiationChecks(config);
const metadata = config.serverMetadata();
tell({ flow: 'discovery', issuer: metadata.issuer, endpoints: Object.entries(metadata).filter(([name]) => name.endsWith('_endpoint')) });

async function begin(more = {}) {
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
    idTokenExpected: true,
  };
  const open = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: 'openid profile email offline_access User.Read',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...more,
  });
  tell({ open: open.href });
  const { landed } = await hear();
  return [checks, new URL(landed)];
}

async function refused(promise) {
  try {
    await promise;
    return { error: null };
  } catch (error) {
    return { error: error.error ?? error.code ?? error.name, codes: error.cause?.error_codes };
  }
}

const [checks, landed] = await begin();
const tokens = await oidc.authorizationCodeGrant(config, landed, checks);
const claims = tokens.claims();
tell({ flow: 'code', claims, expires: tokens.expiresIn(), scope: tokens.scope, type: tokens.token_type });
tell({ flow: 'again', ...(await refused(oidc.authorizationCodeGrant(config, landed, checks))) });

const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
tell({ flow: 'userinfo', info });

const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token);
tell({ flow: 'refresh', sub: refreshed.claims()?.sub, renewed: refreshed.access_token !== tokens.access_token });

const [fresh, other] = await begin({ prompt: 'login' });
other.searchParams.set('state', 'forged');
tell({ flow: 'state', ...(await refused(oidc.authorizationCodeGrant(config, other, fresh))) });

const [late, answer] = await begin({ prompt: 'login' });
const wrong = { ...late, expectedNonce: oidc.randomNonce() };
tell({ flow: 'nonce', ...(await refused(oidc.authorizationCodeGrant(config, answer, wrong))) });

const out = oidc.buildEndSessionUrl(config, { post_logout_redirect_uri: redirect, id_token_hint: tokens.id_token });
tell({ flow: 'logout', open: out.href });
process.exit(0);
