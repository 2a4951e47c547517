// A browser's way in where keys are needed: the key once, then a cookie that counts for this origin only.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError } from './support/expect.mjs';

const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');
let daemon, own;
before(async () => {
  daemon = await startDaemon({ config: { auth: { mode: 'keys', keys: [{ id: 'a', owner: 'alice', sha256: sha256('sesame'), grants: ['profiles:view', 'profiles:edit'] }] } } });
  own = { origin: `http://127.0.0.1:${daemon.port}` };
});
after(() => daemon?.stop());

const logIn = (key = 'sesame', headers = {}) => daemon.post('/login', { key }, headers);
const cookieOf = (r) => ({ cookie: [r.headers['set-cookie']].flat()[0].split(';')[0] });

describe('login', { timeout: 60_000 }, () => {
  test('gives a cookie that no script and no other site can use', async () => {
    const r = await logIn('sesame', own);
    assert.equal(r.status, 200, r.text);
    assert.deepEqual(r.json, { status: 'logged_in', idle_timeout_s: 43200 });
    assert.match([r.headers['set-cookie']].flat()[0], /^signalbox_session=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
    assert.equal(r.headers['cache-control'], 'no-store');
    assert.equal((await daemon.get('/api/v1/profiles', cookieOf(r))).status, 200);
    expectError(await daemon.get('/api/v1/calls', cookieOf(r)), 'forbidden', { grant: 'calls:view' }, 'it may what its key may');
    const again = await logIn();
    assert.notEqual(cookieOf(again).cookie, cookieOf(r).cookie);
    assert.equal((await daemon.get('/api/v1/profiles', cookieOf(r))).status, 200, 'two browsers, two sessions');
  });

  test('refuses what is no key', async () => {
    for (const key of ['Sesame', '', 'x'.repeat(100_000), 'signalbox_session']) {
      const r = await logIn(key);
      expectError(r, 'unauthorized');
      assert.equal(r.headers['set-cookie'], undefined);
    }
    expectError(await daemon.post('/login', {}), 'invalid_request', { param: 'key' });
    expectError(await daemon.post('/login', { key: 7 }), 'invalid_request', { param: 'key' });
    expectError(await daemon.send({ method: 'POST', path: '/login', body: 'key=sesame', headers: { 'content-type': 'application/x-www-form-urlencoded' } }), 'unsupported_media_type', {}, 'a form of another site cannot log in');
    expectError(await logIn('sesame', { origin: 'http://evil.example' }), 'forbidden');
    expectError(await daemon.get('/login'), 'method_not_allowed');
  });

  test('changes by cookie come from this origin only', async () => {
    const cookie = cookieOf(await logIn());
    const change = (headers) => daemon.put('/api/v1/profiles/gpu', { max_concurrent: 3 }, { ...cookie, ...headers });
    for (const headers of [{}, { origin: 'http://evil.example' }, { origin: 'http://127.0.0.1:1' }, { origin: 'null' }, { 'sec-fetch-site': 'same-site' }]) expectError(await change(headers), 'forbidden', {}, JSON.stringify(headers));
    for (const headers of [own, { 'sec-fetch-site': 'same-origin' }]) assert.equal((await change(headers)).status, 200);
    expectError(await daemon.get('/api/v1/profiles', { ...cookie, 'sec-fetch-site': 'cross-site' }), 'forbidden');
    assert.equal((await daemon.put('/api/v1/profiles/gpu', { max_concurrent: 2 }, { authorization: 'Bearer sesame' })).status, 200, 'a key is sent on purpose');
  });

  test('logout ends the session', async () => {
    const cookie = cookieOf(await logIn());
    expectError(await daemon.post('/logout', {}, { ...cookie, origin: 'http://evil.example' }), 'forbidden');
    assert.equal((await daemon.get('/api/v1/profiles', cookie)).status, 200);
    const r = await daemon.post('/logout', {}, { ...cookie, ...own });
    assert.equal(r.status, 200, r.text);
    assert.match([r.headers['set-cookie']].flat()[0], /^signalbox_session=; .*Max-Age=0$/);
    expectError(await daemon.get('/api/v1/profiles', cookie), 'unauthorized');
    assert.equal((await daemon.post('/logout', {})).status, 200, 'who is out is out');
  });

  test('a restart ends all sessions', async () => {
    const cookie = cookieOf(await logIn());
    await daemon.restart();
    expectError(await daemon.get('/api/v1/profiles', cookie), 'unauthorized');
  });
});
