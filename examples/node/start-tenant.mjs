// A sandbox tenant for tests under Node, with nothing but Node's own modules; copy this file beside your tests.
//
//     const tenant = await startTenant();
//     const { value } = await tenant.graph('GET', '/users', await tenant.appToken());
//     await tenant.end();
//
// Under `attache sandbox exec -- node --test`, or with ATTACHE_SANDBOX_URL set, it is a fresh tenant of the
// sandbox that runs; otherwise `attache` (or $ATTACHE_BINARY) is started on a free port. `end()` undoes either.
// `tenant.env` is what other programs need. fetch and the SDKs trust the sandbox when NODE_EXTRA_CA_CERTS was set
// before Node started, as `exec` does, and under Node 24.5 and later in any case.

import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import tls from 'node:tls';
import { promisify } from 'node:util';

const GRAPH = 'https://graph.microsoft.com/.default';
const REDIRECT = 'http://localhost';

/** An answer that is an error: `status`, and the `body` as it came. */
export class Refused extends Error {
  constructor(status, body) {
    super(`${status} ${typeof body === 'string' ? body : JSON.stringify(body)}`);
    Object.assign(this, { status, body });
  }
}

/** Starts a tenant. */
export async function startTenant(wish = {}) {
  if (process.env.ATTACHE_SANDBOX_URL) {
    const sandbox = await known(process.env);
    const ready = await sandbox.control('POST', 'tenants', wish);
    const end = () => sandbox.control('DELETE', `tenants/${ready.tenant_id}`);
    return new Tenant(ready, sandbox, end);
  }
  const binary = process.env.ATTACHE_BINARY ?? 'attache';
  const home = await mkdtemp(join(tmpdir(), 'attache-'));
  const options = { env: { ...process.env, ATTACHE_HOME: home } };
  const line = ['sandbox', '--json', '--listen', '127.0.0.1:0'];
  const child = spawn(binary, line, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  const end = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  try {
    const first = new Promise((resolve) => createInterface(child.stdout).once('line', resolve));
    await Promise.race([first, ended.then((code) => Promise.reject(new Error(`attache sandbox ended with ${code}`)))]);
    const said = await promisify(execFile)(binary, ['sandbox', 'env', '--json'], options);
    const tenant = await known(JSON.parse(said.stdout));
    tls.setDefaultCACertificates?.([...tls.getCACertificates('default'), String(tenant.ca)]);
    return Object.assign(tenant, { end });
  } catch (error) {
    if (child.pid) await end();
    throw error;
  }
}

/** The tenant that an environment describes. */
async function known(environment) {
  const env = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== null));
  const http = new Http(env.ATTACHE_SANDBOX_URL.replace(/\/$/, ''), await readFile(env.ATTACHE_CA));
  const ready = await http.json('GET', `${http.url}/_sandbox/ready`, env.ATTACHE_SANDBOX_TOKEN);
  return new Tenant(ready, { ...http, env }, async () => {});
}

/** Calls to the sandbox, which is trusted by its own authorities only. */
class Http {
  constructor(url, ca) {
    Object.assign(this, { url, ca });
  }

  async json(method, url, token, body) {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await this.request(method, url, { headers, json: body });
    if (answer.status >= 300) throw new Refused(answer.status, answer.body);
    return answer.body ? JSON.parse(answer.body) : undefined;
  }

  /** Any request, trusting the sandbox; follows no redirect. */
  request(method, url, { headers = {}, form, json } = {}) {
    const body = form ? String(new URLSearchParams(form)) : json === undefined ? undefined : JSON.stringify(json);
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const sent = body === undefined ? headers : { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers: sent, ca: this.ca, agent: false }, async (response) => {
        const parts = await response.toArray().catch(reject);
        resolve({ status: response.statusCode, headers: response.headers, body: String(Buffer.concat(parts ?? [])) });
      });
      request.on('error', reject).end(body);
    });
  }
}

/** A tenant: where it is, its ids and secrets, and tokens for it. `ready` is all that the sandbox tells. */
export class Tenant extends Http {
  constructor(ready, { url, ca, env }, end) {
    super(url, ca);
    this.ready = ready;
    this.id = ready.tenant_id;
    this.domain = ready.domain;
    this.controlToken = ready.control_token;
    this.clientId = ready.apps.client.client_id;
    this.provisioner = ready.apps.provisioner;
    this.users = ready.users;
    this.authority = `${url}/${this.id}`;
    this.end = end;
    this.env = {
      ...env,
      AZURE_TENANT_ID: this.id,
      AZURE_CLIENT_ID: this.provisioner.client_id,
      AZURE_CLIENT_SECRET: this.provisioner.client_secret,
      ATTACHE_TENANT: this.id,
      ATTACHE_CLIENT_ID: this.clientId,
      ATTACHE_PROVISIONER_CLIENT_ID: this.provisioner.client_id,
      ATTACHE_PROVISIONER_CLIENT_SECRET: this.provisioner.client_secret,
      ATTACHE_SANDBOX_TOKEN: this.controlToken,
    };
  }

  /** The control API: `tenant.control('POST', 'clock', { advance_seconds: 3600 })`. */
  control(method, path, body) {
    return this.json(method, `${this.url}/_sandbox/${path}`, this.controlToken, body);
  }

  /** Back to how it was made. */
  reset() {
    return this.control('POST', 'reset');
  }

  /** One call to Graph. */
  graph(method, path, token, body) {
    return this.json(method, `${this.url}/v1.0${path}`, token, body);
  }

  /** The provisioner's token, which is an application's. */
  appToken(scope = GRAPH) {
    const { client_id, client_secret } = this.provisioner;
    return this.token({ grant_type: 'client_credentials', client_id, client_secret, scope });
  }

  /** A user's token: signs in at the page and consents, as a person does; the first is the administrator. */
  async userToken(scope = GRAPH, user = 0) {
    const verifier = randomBytes(48).toString('base64url');
    const asked = new URLSearchParams({
      client_id: this.clientId,
      response_type: 'code',
      redirect_uri: REDIRECT,
      scope,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const typed = { username: this.users[user].upn, password: this.users[user].password };
    const cookies = new Map();
    let [url, form] = [`${this.authority}/oauth2/v2.0/authorize?${asked}`, undefined];
    while (!url.startsWith(`${REDIRECT}/`) && !url.startsWith(`${REDIRECT}?`)) {
      const cookie = [...cookies].map((pair) => pair.join('=')).join('; ');
      const answer = await this.request(form ? 'POST' : 'GET', url, { form, headers: cookie ? { cookie } : {} });
      for (const set of answer.headers['set-cookie'] ?? []) {
        const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
        cookies.set(name, value);
      }
      if (answer.headers.location) [url, form] = [new URL(answer.headers.location, url).href, undefined];
      else [url, form] = filled(answer, url, typed);
    }
    const landed = new URL(url).searchParams;
    if (!landed.has('code')) throw new Refused(400, Object.fromEntries(landed));
    const proof = { code: landed.get('code'), redirect_uri: REDIRECT, code_verifier: verifier };
    return this.token({ grant_type: 'authorization_code', client_id: this.clientId, ...proof });
  }

  async token(form) {
    const answer = await this.request('POST', `${this.authority}/oauth2/v2.0/token`, { form });
    if (answer.status !== 200) throw new Refused(answer.status, answer.body);
    return JSON.parse(answer.body).access_token;
  }
}

/** Types what the first form of a page asks for, and presses its first button. */
function filled(answer, url, typed) {
  const form = answer.body.match(/<form[^]*?<\/form>/)?.[0];
  if (!form) throw new Refused(answer.status, answer.body);
  const plain = (text) => text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) =>
    decimal ? String.fromCodePoint(decimal) : hex ? String.fromCodePoint(`0x${hex}`)
      : { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name] ?? whole);
  const read = (tag, name) => plain(tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1] ?? '');
  const fields = [...form.matchAll(/<input[^>]*>/g), ...[...form.matchAll(/<button[^>]*>/g)].slice(0, 1)]
    .map(([tag]) => [read(tag, 'name'), read(tag, 'value')]).filter(([name]) => name);
  return [new URL(read(form, 'action'), url).href, Object.fromEntries(fields.map(([name, value]) => [name, typed[name] ?? value]))];
}
