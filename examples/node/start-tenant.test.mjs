// What startTenant() promises: a tenant of its own, with people, applications and tokens.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Refused, startTenant } from './start-tenant.mjs';

let tenant;
before(async () => {
  tenant = await startTenant();
});
after(() => tenant.end());

test('an application reads the directory', async () => {
  const { value } = await tenant.graph('GET', '/users', await tenant.appToken());
  assert.deepEqual(value.map((user) => user.userPrincipalName).sort(), tenant.users.map((user) => user.upn).sort());
});

test('a person signs in', async () => {
  const me = await tenant.graph('GET', '/me', await tenant.userToken('User.Read', 1));
  assert.equal(me.id, tenant.users[1].id);
});

test('a fault and a step in time', async () => {
  const token = await tenant.appToken();
  await tenant.control('POST', 'faults', { path: '/v1.0/users', count: 1, effect: { kind: 'answer', status: 503 } });
  await assert.rejects(tenant.graph('GET', '/users', token), (error) => error instanceof Refused && error.status === 503);
  await tenant.graph('GET', '/users', token);
  await tenant.control('POST', 'clock', { advance_seconds: 2 * 3600 });
  await assert.rejects(tenant.graph('GET', '/users', token), (error) => error.status === 401);
});
