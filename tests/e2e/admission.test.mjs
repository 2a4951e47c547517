// Admission: who runs when. Slots are held open by a backend that answers only when the test lets go, so that order and bounds are
// exact and nothing depends on the machine's speed; only the budgets are real time.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectErrorObject, expectOk, expectOnTime, expectRetryAfter, expectTaskHeaders, ms, TIME } from './support/expect.mjs';
import { isDone, spoken, streamError } from './support/http.mjs';
import { guard } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const app = path.join(path.dirname(fileURLToPath(import.meta.url)), 'support', 'app.mjs');
const CLASSES = ['interactive', 'workflow', 'background'];
const RANK = Object.fromEntries(CLASSES.map((c, i) => [c, i]));

/// Three processes, one per class, each with `count` calls under way at once.
function startApps(port, model, count, description) {
  return CLASSES.map((priority) => {
    const child = guard(spawn(process.execPath, [app, `${port}`, model, priority, `${count}`, description], { stdio: ['ignore', 'pipe', 'inherit'] }));
    let out = '';
    child.stdout.on('data', (b) => { out += b; });
    const answers = new Promise((resolve, reject) => child.once('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`${priority} app ended with ${code}`)))));
    return { pid: child.pid, priority, answers };
  });
}

describe('admission', { timeout: 150_000 }, () => {
  let up, other, daemon, n = 0;
  const config = {
    inference: {
      profiles: {
        'openai_compat:one-slot': { max_concurrent: 1, max_queued: 64 },
        'local:tight': { max_concurrent: 1, max_queued: 2, default_queue_wait_s: 0.4, default_inference_s: 0.6 },
        'local:reload': { max_concurrent: 1 },
      },
    },
  };
  /// A fresh profile of the given settings, and calls into it.
  const makeProfile = async (settings) => {
    const name = `test:${++n}`;
    expectOk(await daemon.put(`/api/v1/profiles/${name}`, settings));
    return name;
  };
  const into = (profile, headers = {}, body = {}) => daemon.openChat({ model: 'wide', ...body }, { 'X-Signalbox-Profile': profile, ...headers });
  /// A call that has the profile's slot and keeps it until `up.release()`.
  const occupy = async (profile, headers = {}) => {
    const seen = up.requests.length;
    up.next({ hold: true });
    const call = into(profile, headers);
    await until('the slot is taken', () => up.requests.length > seen);
    return { call, record: up.requests.at(-1) };
  };
  const waiting = (profile, count, options) => daemon.profileWhen(profile, `${count} wait`, (p) => p.waiting.interactive + p.waiting.workflow + p.waiting.background === count, options);

  before(async () => {
    up = await startUpstream({ models: ['wide', 'one-slot'], name: 'wide' });
    other = await startUpstream({ models: ['other-model'], name: 'other' });
    config.upstreams = [
      { name: 'wide-box', type: 'openai', url: up.url, models: ['wide', 'one-slot'], capacity: 64 },
      { name: 'other-model', type: 'openai', url: other.url, models: ['other-model'], capacity: 3 },
    ];
    daemon = await startDaemon({ config });
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
    await other?.stop();
  });
  afterEach(async () => {
    up.always = {};
    await up.reset();
    await other.reset();
    await daemon.idle({ within: 15_000 });
  });

  test('three processes at once on one slot: strict priority, first come first served inside a class', async (t) => {
    const description = 'three apps';
    const { call, record } = await (async () => {
      up.next({ hold: true });
      const c = daemon.openChat({ model: 'one-slot' });
      await up.arrived(1);
      return { call: c, record: up.requests[0] };
    })();
    up.always = { tokens: 2, tokenDelayMs: 5 };
    const apps = startApps(daemon.port, 'one-slot', 6, description);
    assert.equal(new Set(apps.map((a) => a.pid)).size, 3);
    await daemon.profileWhen('openai_compat:one-slot', 'six of each class wait', (p) => CLASSES.every((c) => p.waiting[c] === 6), { within: 20_000 });
    record.release();
    const answers = (await within('all apps are served', Promise.all(apps.map((a) => a.answers)), 30_000)).flat();
    assert.ok(answers.every((a) => a.status === 200), JSON.stringify(answers));
    expectOk(await call.done);
    const rows = (await daemon.callsWhen(description, 'ended', { count: 18 })).sort((a, b) => ms(a.admitted_at) - ms(b.admitted_at) || RANK[a.priority] - RANK[b.priority]);
    const order = rows.map((r) => r.priority);
    t.diagnostic(`order of admission: ${order.map((c) => c[0]).join('')}`);
    assert.deepEqual(order, CLASSES.flatMap((c) => Array(6).fill(c)), 'interactive, then workflow, then background');
    for (const c of CLASSES) {
      const queued = rows.filter((r) => r.priority === c).map((r) => ms(r.queued_at));
      assert.deepEqual(queued, [...queued].sort((a, b) => a - b), `${c}: in order of arrival`);
    }
    for (let i = 1; i < rows.length; i++) {
      assert.ok(ms(rows[i].admitted_at) >= ms(rows[i - 1].finished_at) - 1, `one at a time: ${rows[i].admitted_at} after ${rows[i - 1].finished_at}`);
    }
    assert.equal(up.maxInFlight, 1);
    const reached = up.requests.slice(1).map((r) => r.body.messages[0].content.split(' ')[0]);
    assert.deepEqual(reached, order, 'the backend saw the same order');
  });

  test('first come first served inside one class, exactly', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const { record } = await occupy(profile);
    const calls = [];
    for (let i = 0; i < 8; i++) {
      calls.push(into(profile, {}, { messages: [{ role: 'user', content: `${i}` }] }));
      await waiting(profile, i + 1);
    }
    record.release();
    for (const c of calls) expectOk(await within('each is served', c.done));
    assert.deepEqual(up.requests.slice(1).map((r) => +r.body.messages[0].content), [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('a call that comes later in a higher class goes first', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const { record } = await occupy(profile);
    const late = { background: 0, workflow: 0, interactive: 0 };
    const calls = [];
    for (const c of ['background', 'workflow', 'background', 'interactive', 'workflow', 'interactive']) {
      calls.push(into(profile, { 'X-Signalbox-Priority': c }, { messages: [{ role: 'user', content: `${c} ${late[c]++}` }] }));
      await waiting(profile, calls.length);
    }
    record.release();
    for (const c of calls) expectOk(await within('each is served', c.done));
    assert.deepEqual(up.requests.slice(1).map((r) => r.body.messages[0].content), ['interactive 0', 'interactive 1', 'workflow 0', 'workflow 1', 'background 0', 'background 1']);
  });

  test('queue_full: one more than max_queued of a class is refused at once, other classes still have room', async () => {
    const profile = await makeProfile({ max_concurrent: 1, max_queued: 2 });
    const { record } = await occupy(profile);
    const queued = [];
    for (const c of CLASSES) {
      for (let i = 0; i < 2; i++) queued.push(into(profile, { 'X-Signalbox-Priority': c }));
      await daemon.profileWhen(profile, `two of ${c} wait`, (p) => p.waiting[c] === 2);
      const refused = await into(profile, { 'X-Signalbox-Priority': c, 'X-Signalbox-Description': `refused ${c}` }).done;
      expectError(refused, 'queue_full', { source: 'broker', profile, priority: c, max_queued: 2 });
      expectRetryAfter(refused);
      assert.ok(refused.tookMs < 2000, `at once, not after ${refused.tookMs} ms`);
      assert.equal(refused.headers['x-signalbox-profile'], profile);
      const [row] = await daemon.callsWhen(`refused ${c}`, 'kept');
      assert.deepEqual([row.status, row.admitted_at], ['queue_full', null], JSON.stringify(row));
    }
    const streamed = await into(profile, {}, { stream: true }).done;
    expectError(streamed, 'queue_full', {}, 'a stream is refused with its status too');
    assert.equal((await daemon.profile(profile)).rejected_total, 4);
    record.release();
    for (const c of queued) expectOk(await within('those who waited are served', c.done));
    assert.equal(up.requests.length, 7, 'a refused call reaches no backend');
  });

  test('queue_wait_timeout comes on time while the slot stays busy', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    await occupy(profile);
    const budgets = [0.9, 0.3, 0.6];
    const calls = budgets.map((s) => into(profile, { 'X-Signalbox-Queue-Wait-S': `${s}`, 'X-Signalbox-Description': `waits ${s}` }));
    const stays = into(profile, { 'X-Signalbox-Queue-Wait-S': '60' });
    for (const [i, s] of budgets.entries()) {
      const r = await within('refused', calls[i].done);
      expectError(r, 'queue_wait_timeout', { source: 'broker', profile, priority: 'workflow', queue_wait_s: s });
      expectRetryAfter(r);
      expectOnTime(r.tookMs, s * 1000, { note: `budget ${s} s` });
      const [row] = await daemon.callsWhen(`waits ${s}`, 'ended');
      assert.deepEqual([row.status, row.admitted_at, row.started_http_at], ['queue_wait_timeout', null, null], JSON.stringify(row));
      expectOnTime(row.total_latency_ms, s * 1000, { note: 'the row\'s latency' });
    }
    assert.ok(calls[1].endedAt <= calls[2].endedAt && calls[2].endedAt <= calls[0].endedAt, 'shortest budget first');
    assert.equal(stays.ended, undefined, 'the one with more patience still waits');
    up.release();
    expectOk(await within('and is served', stays.done));
    assert.equal(up.requests.length, 2, 'those who timed out reach no backend');
  });

  test('a stream that waits too long gets its status', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    await occupy(profile);
    const r = await into(profile, { 'X-Signalbox-Queue-Wait-S': '0.3' }, { stream: true }).done;
    expectError(r, 'queue_wait_timeout', { queue_wait_s: 0.3 });
    up.release();
  });

  test('the profile\'s own budgets hold when the call names none', async () => {
    const profile = 'local:tight';
    up.next({ hold: true }, { hold: true });
    const slow = into(profile);
    await up.arrived(1);
    const late = await into(profile).done;
    expectError(late, 'queue_wait_timeout', { profile, queue_wait_s: 0.4 });
    expectOnTime(late.tookMs, 400);
    const r = await within('the first is ended', slow.done);
    expectError(r, 'inference_timeout', { inference_s: 0.6 });
    expectOnTime(r.tookMs, 600);
  });

  test('inference_timeout comes on time, the backend is told to stop, and the slot goes to the next', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    up.next({ hold: true });
    const slow = into(profile, { 'X-Signalbox-Inference-S': '0.7', 'X-Signalbox-Description': 'too slow' });
    await up.arrived(1);
    const next = into(profile);
    const r = await within('ended', slow.done);
    expectError(r, 'inference_timeout', { source: 'broker', inference_s: 0.7 });
    expectOnTime(r.tookMs, 700);
    await until('the backend saw the end', () => up.requests[0].state === 'aborted', { seen: () => up.requests[0].state });
    expectOk(await within('the next has the slot', next.done));
    const [row] = await daemon.callsWhen('too slow', 'ended');
    assert.equal(row.status, 'inference_timeout');
    assert.match(row.admitted_at, TIME);
    expectOnTime(row.service_time_ms, 700, { note: 'service time' });
  });

  test('inference_timeout in mid-stream is an error event and no [DONE]', async () => {
    up.next({ tokens: 5, stallAfter: 2 });
    const call = daemon.openChat({ model: 'wide', stream: true }, { 'X-Signalbox-Inference-S': '0.8' });
    const r = await within('ended', call.done);
    assert.equal(r.status, 200);
    assert.equal(spoken(r.text), sentence(2), 'what came before is kept');
    expectErrorObject(streamError(r.text) ?? {}, 'inference_timeout', { source: 'broker', inference_s: 0.8 }, r.text);
    assert.equal(isDone(r.text), false);
    expectOnTime(r.tookMs, 800);
    await until('the backend saw the end', () => up.requests[0].state === 'aborted');
  });

  test('waiting is not running: time in the queue leaves the inference budget whole', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const { record } = await occupy(profile);
    up.next({ tokens: 2, tokenDelayMs: 150 });
    const call = into(profile, { 'X-Signalbox-Inference-S': '1.5', 'X-Signalbox-Queue-Wait-S': '30' });
    await waiting(profile, 1);
    const waitedSince = Date.now();
    await until('it has waited longer than it may run', () => Date.now() - waitedSince > 1700);
    record.release();
    const r = expectOk(await within('served', call.done));
    assert.ok(+r.headers['x-signalbox-queue-wait-ms'] >= 1600, r.headers['x-signalbox-queue-wait-ms']);
  });

  test('raising max_concurrent admits waiters at once', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    up.always = { hold: true };
    const calls = Array.from({ length: 5 }, () => into(profile));
    await waiting(profile, 4);
    assert.equal(up.inFlight, 1);
    const r = expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 4 }));
    assert.deepEqual([r.json.name, r.json.max_concurrent], [profile, 4]);
    await until('three more run', () => up.inFlight === 4);
    const p = await waiting(profile, 1);
    assert.equal(p.in_flight, 4);
    up.always = {};
    up.release();
    for (const c of calls) expectOk(await within('served', c.done));
  });

  test('lowering max_concurrent drains: nobody is cut, nobody new until there is room', async () => {
    const profile = await makeProfile({ max_concurrent: 3 });
    up.always = { hold: true };
    const calls = Array.from({ length: 5 }, () => into(profile));
    await until('three run', () => up.inFlight === 3);
    await waiting(profile, 2);
    expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 1 }));
    for (const left of [2, 1]) {
      up.requests[2 - left].release();
      await daemon.profileWhen(profile, `${left} in flight`, (p) => p.in_flight === left);
      assert.equal(up.requests.length, 3, `nobody new while ${left} of the old run`);
    }
    up.requests[2].release();
    await up.arrived(4);
    assert.equal((await daemon.profile(profile)).in_flight, 1);
    up.always = {};
    up.release();
    for (const c of calls) expectOk(await within('served', c.done));
    assert.equal(up.requests.slice(3).length, 2);
  });

  test('max_concurrent 0 pauses admission; what runs goes on, what waits stays', async () => {
    const profile = await makeProfile({ max_concurrent: 2 });
    const { call: running, record } = await occupy(profile);
    assert.equal(expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 0 })).json.max_concurrent, 0);
    const held = into(profile);
    const impatient = into(profile, { 'X-Signalbox-Queue-Wait-S': '0.3' });
    await waiting(profile, 2);
    record.release();
    expectOk(await within('the running one ends well', running.done));
    expectError(await within('budget', impatient.done), 'queue_wait_timeout', { queue_wait_s: 0.3 });
    assert.equal(up.requests.length, 1, 'nobody is admitted');
    expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 1 }));
    expectOk(await within('admission goes on', held.done));
  });

  test('a policy changed live reorders those who wait', async () => {
    const profile = await makeProfile({ max_concurrent: 1, policy: 'strict' });
    const { call: first, record } = await occupy(profile);
    const ended = [];
    const calls = [];
    for (const max_tokens of [300, 100, 200]) {
      calls.push(into(profile, {}, { max_tokens }).done.then((r) => { expectOk(r); ended.push(max_tokens); }));
      await waiting(profile, calls.length);
    }
    const r = expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { policy: 'sjf', sjf: { max_bypass_s: 600 } }));
    assert.deepEqual([r.json.policy, r.json.sjf.max_bypass_s], ['sjf', 600]);
    record.release();
    expectOk(await within('the first', first.done));
    await within('all', Promise.all(calls));
    assert.deepEqual(ended, [100, 200, 300]);
  });

  test('a reserved slot is for interactive calls', async () => {
    const profile = await makeProfile({ max_concurrent: 2, reserve_interactive: 1 });
    const { call: first, record } = await occupy(profile);
    const second = into(profile);
    await waiting(profile, 1);
    const urgent = expectOk(await within('interactive', into(profile, { 'X-Signalbox-Priority': 'interactive' }).done));
    assert.ok(+urgent.headers['x-signalbox-queue-wait-ms'] < 1000);
    await waiting(profile, 1);
    record.release();
    expectOk(await within('first', first.done));
    expectOk(await within('second', second.done));
  });

  test('max_queued can be changed live', async () => {
    const profile = await makeProfile({ max_concurrent: 1, max_queued: 1 });
    const { record } = await occupy(profile);
    const calls = [into(profile)];
    await waiting(profile, 1);
    expectError(await into(profile).done, 'queue_full', { max_queued: 1 });
    expectOk(await daemon.put(`/api/v1/profiles/${profile}`, { max_queued: 2 }));
    calls.push(into(profile));
    await waiting(profile, 2);
    expectError(await into(profile).done, 'queue_full', { max_queued: 2 });
    record.release();
    for (const c of calls) expectOk(await within('served', c.done));
  });

  test('a profile registers itself on first use, with the defaults', async () => {
    expectOk(await into('seen:first-time').done);
    const p = await daemon.profile('seen:first-time');
    const expected = { name: 'seen:first-time', max_queued: 32, default_queue_wait_s: 20, default_inference_s: 120, policy: 'strict', in_flight: 0, waiting: { interactive: 0, workflow: 0, background: 0 }, admitted_total: 1, rejected_total: 0, auto_registered: true };
    for (const [k, v] of Object.entries(expected)) assert.deepEqual(p[k], v, `${k}; ${JSON.stringify(p)}`);
    assert.ok('estimated_wait_s' in p);
    const configured = await daemon.profile('local:tight');
    assert.equal(configured.auto_registered, false);
    assert.deepEqual([configured.max_concurrent, configured.max_queued, configured.default_queue_wait_s, configured.default_inference_s], [1, 2, 0.4, 0.6]);
    const names = (await daemon.json('/api/v1/profiles')).profiles.map((x) => x.name);
    for (const name of ['seen:first-time', 'local:tight', 'openai_compat:one-slot']) assert.ok(names.includes(name), `${name} in ${names}`);
  });

  test('effective slots: the capacities of the executors when nothing else is configured', async () => {
    expectOk(await daemon.chat({ model: 'other-model' }));
    assert.equal((await daemon.profile('openai_compat:other-model')).max_concurrent, 3);
    other.always = { hold: true };
    const calls = Array.from({ length: 5 }, () => daemon.openChat({ model: 'other-model' }));
    await daemon.profileWhen('openai_compat:other-model', 'three run, two wait', (p) => p.in_flight === 3 && p.waiting.workflow === 2);
    assert.equal(other.inFlight, 3);
    other.always = {};
    other.release();
    for (const c of calls) expectOk(await within('served', c.done));
    assert.equal(other.maxInFlight, 3);
  });

  test('an executor\'s own capacity holds across profiles', async () => {
    other.always = { hold: true };
    const profiles = await Promise.all(Array.from({ length: 3 }, () => makeProfile({ max_concurrent: 10 })));
    const calls = profiles.flatMap((p) => [0, 1].map(() => daemon.openChat({ model: 'other-model' }, { 'X-Signalbox-Profile': p })));
    await until('three run', () => other.inFlight === 3);
    await daemon.get('/livez');
    assert.equal(other.inFlight, 3, 'the LLM has room for three, whatever the profiles allow');
    other.always = {};
    other.release();
    for (const c of calls) expectOk(await within('served', c.done));
    assert.equal(other.maxInFlight, 3);
  });

  test('X-Signalbox-Profile puts calls for two models into one profile', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const { record } = await occupy(profile);
    const second = daemon.openChat({ model: 'other-model' }, { 'X-Signalbox-Profile': profile });
    const embedding = daemon.open({ path: '/v1/embeddings', body: { model: 'other-model', input: 'x' }, headers: { 'X-Signalbox-Profile': profile } });
    const p = await waiting(profile, 2);
    assert.deepEqual(p.waiting, { interactive: 0, workflow: 1, background: 1 });
    assert.equal(other.requests.length, 0);
    const independent = expectOk(await daemon.chat({ model: 'other-model' }));
    assert.equal(independent.headers['x-signalbox-profile'], 'openai_compat:other-model', 'its own profile is not in the way');
    record.release();
    for (const c of [second, embedding]) assert.equal(expectOk(await within('served', c.done)).headers['x-signalbox-profile'], profile);
  });

  test('profiles are independent: a full one does not slow another', async () => {
    const [full, free] = [await makeProfile({ max_concurrent: 1 }), await makeProfile({ max_concurrent: 1 })];
    const { record } = await occupy(full);
    const stuck = into(full);
    await waiting(full, 1);
    const r = expectOk(await into(free).done);
    assert.ok(r.tookMs < 2000, `${r.tookMs} ms`);
    record.release();
    expectOk(await stuck.done);
  });

  test('the row and the task tell a waiting caller\'s place', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const { record } = await occupy(profile);
    const calls = [into(profile, { 'X-Signalbox-Priority': 'background' })];
    await waiting(profile, 1);
    calls.push(into(profile, { 'X-Signalbox-Priority': 'interactive' }));
    await waiting(profile, 2);
    const pending = (await daemon.tasks('&status=pending')).filter((t) => t.profile === profile);
    assert.deepEqual(pending.map((t) => [t.priority, t.queue_position]).sort((a, b) => a[1] - b[1]), [['interactive', 1], ['background', 2]], 'position 1 is the next to go');
    record.release();
    for (const c of calls) expectTaskHeaders(expectOk(await c.done), { profile });
  });

  test('call rows: newest first, by page, by profile, by status, since a time', async () => {
    const profile = await makeProfile({ max_concurrent: 1 });
    const startedAt = new Date().toISOString();
    for (let i = 0; i < 5; i++) expectOk(await into(profile, { 'X-Signalbox-Description': `page ${i}` }).done);
    up.next({ status: 404 });
    assert.equal((await into(profile, { 'X-Signalbox-Description': 'page 5' }).done).status, 404);
    await daemon.callsWhen('page 5', 'ended');
    const seen = [];
    let cursor = '';
    do {
      const page = await daemon.json(`/api/v1/calls?limit=2&profile=${profile}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      assert.ok(page.calls.length <= 2);
      seen.push(...page.calls.map((c) => c.description));
      cursor = page.next_cursor;
    } while (cursor && seen.length < 20);
    assert.deepEqual(seen, ['page 5', 'page 4', 'page 3', 'page 2', 'page 1', 'page 0']);
    const failed = (await daemon.json(`/api/v1/calls?profile=${profile}&status=error`)).calls;
    assert.deepEqual(failed.map((c) => c.description), ['page 5']);
    assert.ok(failed[0].error_kind, JSON.stringify(failed[0]));
    assert.equal((await daemon.json(`/api/v1/calls?profile=${profile}&since=${encodeURIComponent(startedAt)}`)).calls.length, 6);
    assert.equal((await daemon.json(`/api/v1/calls?profile=${profile}&since=${encodeURIComponent(new Date(Date.now() + 60_000).toISOString())}`)).calls.length, 0);
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'since=yesterday', 'status=dancing', 'cursor=%00nonsense']) expectError(await daemon.get(`/api/v1/calls?${query}`), 'invalid_request', {}, query);
    const row = (await daemon.calls(`&profile=${profile}&status=ok`))[0];
    for (const k of ['id', 'profile', 'priority', 'queued_at', 'admitted_at', 'started_http_at', 'first_token_at', 'finished_at', 'status', 'error_kind', 'error_detail', 'queue_wait_ms', 'service_time_ms', 'total_latency_ms']) {
      assert.ok(k in row, `a call row has ${k}: ${JSON.stringify(row)}`);
    }
    for (const k of ['queued_at', 'admitted_at', 'started_http_at', 'finished_at']) assert.match(row[k], TIME, k);
  });

  test('a stream\'s row has the time of the first token', async () => {
    up.next({ firstDelayMs: 120, tokens: 3, tokenDelayMs: 60 });
    expectOk(await daemon.chat({ model: 'wide', stream: true }, { 'X-Signalbox-Description': 'first token' }));
    const [row] = await daemon.callsWhen('first token', 'ended');
    assert.match(row.first_token_at ?? '', TIME, JSON.stringify(row));
    assert.ok(ms(row.first_token_at) - ms(row.started_http_at) >= 100, 'not before the backend spoke');
    assert.ok(ms(row.finished_at) - ms(row.first_token_at) >= 100, 'not at the end');
  });

  test('SIGHUP puts a changed file in force; a bad one changes nothing', async () => {
    const profile = 'local:reload';
    up.always = { hold: true };
    const calls = Array.from({ length: 3 }, () => into(profile));
    await waiting(profile, 2);
    const raised = structuredClone(config);
    raised.inference.profiles[profile].max_concurrent = 2;
    daemon.writeConfig(raised);
    daemon.signal('SIGHUP');
    await until('a second one runs', () => up.inFlight === 2);
    assert.equal((await daemon.profile(profile)).max_concurrent, 2);
    fs.writeFileSync(daemon.file, `${fs.readFileSync(daemon.file, 'utf8')}no_such_section: {x: 1}\n`);
    const logged = daemon.logs.length + daemon.output.length;
    daemon.signal('SIGHUP');
    await until('the bad file is told', () => daemon.logs.length + daemon.output.length > logged);
    assert.equal((await daemon.profile(profile)).max_concurrent, 2);
    assert.ok(daemon.alive);
    up.always = {};
    up.release();
    for (const c of calls) expectOk(await within('served', c.done));
  });
});
