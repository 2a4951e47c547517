// Slots for calls that apps make themselves: taken, marked, renewed, given back, lost; by lease and by connection; side by side
// with tasks in one queue.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { open } from './support/http.mjs';
import { EventReader } from './support/task_stream.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const SLOTS = '/api/v1/slots';
let daemon, up, names = 0;
before(async () => {
  up = await startUpstream();
  daemon = await startDaemon({ config: { upstreams: [{ name: 'up', url: up.url, models: ['m'], capacity: 50 }] } });
});
after(async () => { await daemon?.stop(); await up?.stop(); });

/// A profile of the test's own, with `slots` slots.
async function profile(slots = 1, more = {}) {
  const name = `slots-${++names}`;
  expectOk(await daemon.put(`/api/v1/profiles/${name}`, { max_concurrent: slots, ...more }));
  return name;
}
const give = (path, body) => daemon.send({ method: 'DELETE', path, body });
const take = (name, more = {}) => daemon.post(SLOTS, { profile: name, ...more });
const ask = (name, more = {}, headers = {}) => open(daemon.port, { method: 'POST', path: SLOTS, body: { profile: name, ...more }, headers });
const hold = (name, more = '') => new EventReader(daemon.port, { path: `${SLOTS}/hold?profile=${name}${more}` });
const state = (name) => daemon.json(`/api/v1/profiles/${name}`);
const waiting = async (name) => Object.values((await state(name)).waiting).reduce((a, b) => a + b, 0);
const row = async (id) => (await daemon.json('/api/v1/calls?limit=1000')).calls.find((c) => c.id === id);
const rows = async (name) => (await daemon.json(`/api/v1/calls?limit=1000&profile=${name}`)).calls;
const noSlot = (r, what) => { assert.equal(r.status, 404, what); expectError(r, 'slot_not_found'); };

describe('a slot by lease', () => {
  test('its life: taken, marked, renewed, given back with its row', async () => {
    const name = await profile();
    const r = await take(name, { priority: 'background', queue_wait_s: 5, inference_s: 60, lease_s: 20, description: 'nightly encode' });
    assert.equal(r.status, 201, r.text);
    assert.equal(r.headers.location, `${SLOTS}/${r.json.id}`);
    assert.deepEqual(Object.keys(r.json).sort(), ['admitted_at', 'id', 'inference_s', 'lease_s', 'priority', 'profile', 'queue_wait_ms', 'queue_wait_s']);
    assert.deepEqual([r.json.profile, r.json.priority, r.json.queue_wait_s, r.json.inference_s, r.json.lease_s], [name, 'background', 5, 60, 20]);
    assert.equal((await state(name)).in_flight, 1);
    const { id } = r.json;
    assert.equal((await row(id)).status, 'running');
    for (const event of ['started_http', 'first_token']) assert.equal((await daemon.post(`${SLOTS}/${id}/mark`, { event })).status, 200);
    assert.equal((await daemon.post(`${SLOTS}/${id}/renew`)).status, 200);
    const end = await give(`${SLOTS}/${id}`);
    assert.equal(end.status, 200);
    const { status, kind, priority, description, started_http_at, first_token_at, finished_at, service_time_ms, total_latency_ms, owner } = end.json;
    assert.deepEqual({ status, kind, priority, description, owner }, { status: 'ok', kind: 'slot', priority: 'background', description: 'nightly encode', owner: 'local' });
    assert.ok(started_http_at && first_token_at && finished_at && service_time_ms >= 0 && total_latency_ms >= service_time_ms);
    assert.deepEqual(await row(id), end.json);
    assert.equal((await state(name)).in_flight, 0);
    for (const late of [() => give(`${SLOTS}/${id}`), () => daemon.post(`${SLOTS}/${id}/renew`), () => daemon.post(`${SLOTS}/${id}/mark`, { event: 'first_token' })]) noSlot(await late());
  });

  test('what went wrong stands in the row', async () => {
    const name = await profile();
    for (const [body, status, kind] of [
      [{ status: 'error', error_kind: 'http_500', error_detail: 'boom' }, 'error', 'http_500'],
      [{ status: 'error' }, 'error', 'error'],
      [{ status: 'inference_timeout' }, 'inference_timeout', 'inference_timeout'],
      [{ status: 'ok' }, 'ok', null],
      [{}, 'ok', null],
    ]) {
      const { id } = (await take(name)).json;
      const end = expectOk(await give(`${SLOTS}/${id}`, body));
      assert.deepEqual([end.json.status, end.json.error_kind], [status, kind], JSON.stringify(body));
    }
    assert.equal((await rows(name)).length, 5);
  });

  test('defaults are the profile\'s, and 30 s of lease', async () => {
    const name = await profile(1, { default_queue_wait_s: 7, default_inference_s: 9 });
    const r = await take(name);
    assert.deepEqual([r.json.priority, r.json.queue_wait_s, r.json.inference_s, r.json.lease_s], ['workflow', 7, 9, 30]);
  });

  test('one that is not renewed is taken back on time; one that is renewed is not', async () => {
    const name = await profile(2);
    const [dead, alive] = [(await take(name, { lease_s: 1 })).json, (await take(name, { lease_s: 1 })).json];
    const beat = setInterval(() => daemon.post(`${SLOTS}/${alive.id}/renew`).catch(() => {}), 200);
    try {
      const next = await within('the dead one\'s slot is free', ask(name).done, 5000);
      assert.equal(next.status, 201);
      const ended = await row(dead.id);
      assert.deepEqual([ended.status, ended.error_kind], ['error', 'lease_expired']);
      assert.ok(ended.service_time_ms >= 1000 && ended.service_time_ms < 8000, `${ended.service_time_ms}`);
      noSlot(await daemon.post(`${SLOTS}/${dead.id}/renew`));
      assert.equal((await row(alive.id)).status, 'running');
    } finally {
      clearInterval(beat);
    }
    expectOk(await give(`${SLOTS}/${alive.id}`));
  });

  test('inference_s is a hard end, renewed or not', async () => {
    const name = await profile();
    const { id } = (await take(name, { inference_s: 0.5 })).json;
    const ended = await until('it is over', async () => { const r = await row(id); return r.finished_at && r; });
    assert.deepEqual([ended.status, ended.error_kind], ['inference_timeout', 'inference_timeout']);
    noSlot(await give(`${SLOTS}/${id}`));
    assert.equal((await state(name)).in_flight, 0);
  });
});

describe('waiting', () => {
  test('strict by class, first come first served inside one', async () => {
    const name = await profile();
    const first = (await take(name)).json;
    const calls = [];
    for (const priority of ['background', 'workflow', 'interactive', 'background', 'workflow', 'interactive']) {
      calls.push(ask(name, { priority, description: `${calls.length}` }));
      await until('it waits', async () => await waiting(name) === calls.length);
    }
    expectOk(await give(`${SLOTS}/${first.id}`));
    const order = [];
    for (const i of [2, 5, 1, 4, 0, 3]) {
      const r = await within(`call ${i} has its turn`, calls[i].done);
      assert.equal(r.status, 201);
      order.push(r.json.id);
      expectOk(await give(`${SLOTS}/${r.json.id}`));
    }
    const admitted = (await rows(name)).filter((c) => order.includes(c.id)).sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    for (const [i, c] of admitted.entries()) if (i) assert.ok(admitted[i - 1].admitted_at <= c.admitted_at);
  });

  test('one too many: 429 with Retry-After; out of time: 503', async () => {
    const name = await profile(1, { max_queued: 1 });
    const { id } = (await take(name)).json;
    const waiter = ask(name, { queue_wait_s: 1 });
    await until('it waits', async () => await waiting(name) === 1);
    const full = await take(name);
    assert.equal(full.status, 429);
    expectError(full, 'queue_full', { profile: name, priority: 'workflow', max_queued: 1 });
    assert.ok(Number(full.headers['retry-after']) >= 1);
    const late = await within('the budget ends', waiter.done);
    assert.equal(late.status, 503);
    expectError(late, 'queue_wait_timeout', { profile: name, priority: 'workflow', queue_wait_s: 1 });
    expectOk(await give(`${SLOTS}/${id}`));
    assert.deepEqual((await rows(name)).map((c) => c.status).sort(), ['ok', 'queue_full', 'queue_wait_timeout']);
  });

  test('hanging up leaves the queue at once', async () => {
    const name = await profile();
    const { id } = (await take(name)).json;
    const waiter = ask(name);
      await until('it waits', async () => await waiting(name) === 1);
    waiter.abort();
    await until('the queue is empty', async () => await waiting(name) === 0);
    await until('its row', async () => (await rows(name)).some((c) => c.status === 'cancelled'));
    expectOk(await give(`${SLOTS}/${id}`));
    assert.equal((await state(name)).in_flight, 0);
  });

  test('slots and tasks of one profile share its slots', async () => {
    const name = await profile();
    const { id } = (await take(name)).json;
    const chat = daemon.openChat({ model: 'm' }, { 'X-Signalbox-Profile': name, 'X-Signalbox-Priority': 'interactive' });
    await until('the chat waits', async () => await waiting(name) === 1);
    const slot = ask(name);
    await until('both wait', async () => await waiting(name) === 2);
    assert.equal(up.requests.length, 0);
    expectOk(await give(`${SLOTS}/${id}`));
    expectOk(await within('the chat is answered', chat.done));
    const r = await within('then the slot', slot.done);
    assert.equal(r.status, 201);
    expectOk(await give(`${SLOTS}/${r.json.id}`));
  });

  test('raising max_concurrent admits waiters at once', async () => {
    const name = await profile(0);
    const calls = [ask(name), ask(name)];
    await until('both wait', async () => await waiting(name) === 2);
    expectOk(await daemon.put(`/api/v1/profiles/${name}`, { max_concurrent: 2 }));
    for (const c of calls) assert.equal((await within('admitted', c.done)).status, 201);
  });
});

describe('a slot by connection', () => {
  test('admitted at once, held until the connection closes', async () => {
    const name = await profile();
    const holder = hold(name, '&priority=interactive&description=held');
    const [admitted] = await holder.when('admitted', () => true);
    assert.equal(holder.headers['content-type'], 'text/event-stream');
    assert.equal(admitted.event, 'admitted');
    const slot = JSON.parse(admitted.data);
    assert.deepEqual([slot.profile, slot.priority, slot.lease_s], [name, 'interactive', null]);
    assert.equal((await state(name)).in_flight, 1);
    expectOk(await daemon.post(`${SLOTS}/${slot.id}/mark`, { event: 'first_token' }));
    holder.abort();
    const ended = await until('it is given back', async () => { const r = await row(slot.id); return r.finished_at && r; });
    assert.deepEqual([ended.status, ended.description], ['ok', 'held']);
    assert.equal((await state(name)).in_flight, 0);
  });

  test('told its place while it waits, admitted in its turn, ended by DELETE', async () => {
    const name = await profile();
    const first = (await take(name)).json;
    const holder = hold(name);
    const [wait] = await holder.when('its place', () => true);
    assert.equal(wait.event, 'waiting');
    const place = JSON.parse(wait.data);
    assert.equal(place.position, 1);
    assert.equal(typeof place.estimated_wait_s, 'number');
    const better = ask(name, { priority: 'interactive' });
    const [, moved] = await holder.when('its place moves', () => true, { count: 2 });
    assert.deepEqual([moved.event, JSON.parse(moved.data).position], ['waiting', 2]);
    expectOk(await give(`${SLOTS}/${first.id}`));
    const { id } = (await within('the better one', better.done)).json;
    expectOk(await give(`${SLOTS}/${id}`));
    const admitted = await until('admitted', () => holder.events.find((e) => e.event === 'admitted'));
    expectOk(await give(`${SLOTS}/${JSON.parse(admitted.data).id}`));
    assert.equal(await holder.end(), 'clean');
    assert.equal(holder.events.at(-1), admitted);
  });

  test('refused before a byte: a plain error; after it: an error event', async () => {
    const name = await profile(1, { max_queued: 1 });
    const { id } = (await take(name)).json;
    const waiter = hold(name, '&queue_wait_s=1');
    await waiter.when('its place', () => true);
    const full = await daemon.get(`${SLOTS}/hold?profile=${name}`);
    assert.equal(full.status, 429);
    expectError(full, 'queue_full');
    assert.equal(await waiter.end(), 'clean');
    const last = waiter.events.at(-1);
    assert.equal(last.event, 'error');
    assert.equal(JSON.parse(last.data).error.code, 'queue_wait_timeout');
    expectOk(await give(`${SLOTS}/${id}`));
  });
});

describe('bad input', () => {
  test('bodies, parameters, ids, methods', async () => {
    for (const [body, param] of [[{}, 'profile'], [{ profile: 'a b' }, 'profile'], [{ profile: 'p', lease_s: -1 }, 'lease_s'], [{ profile: 'p', queue_wait_s: 'soon' }, 'queue_wait_s'], [{ profile: 'p', colour: 1 }, 'colour']]) {
      const r = await daemon.post(SLOTS, body);
      assert.equal(r.status, 400, JSON.stringify(body));
      expectError(r, 'invalid_request', { param });
    }
    expectError(await daemon.post(SLOTS, { profile: 'p', priority: 'urgent' }), 'invalid_priority', { param: 'priority' });
    expectError(await daemon.get(`${SLOTS}/hold`), 'invalid_request', { param: 'profile' });
    const { id } = (await take(await profile())).json;
    expectError(await daemon.post(`${SLOTS}/${id}/mark`, { event: 'finished' }), 'invalid_request', { param: 'event' });
    expectError(await give(`${SLOTS}/${id}`, { status: 'running' }), 'invalid_request', { param: 'status' });
    expectOk(await give(`${SLOTS}/${id}`));
    for (const unknown of ['no-id', '01890000-0000-7000-8000-000000000000']) noSlot(await give(`${SLOTS}/${unknown}`), unknown);
    assert.equal((await daemon.get(SLOTS)).status, 405);
  });
});
