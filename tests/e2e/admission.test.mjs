// Admission: who runs when. Slots are held open by a backend that answers only when the test lets go, so that order and bounds are
// exact and nothing depends on the machine's speed; only the budgets are real time.
import { before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { admissionBench } from './support/admission_bench.mjs';
import { expectError, expectErrorObject, expectOk, expectOnTime, expectRetryAfter, expectTaskHeaders, ms, TIME } from './support/expect.mjs';
import { isDone, spoken, streamError } from './support/http.mjs';
import { guard } from './support/temp.mjs';
import { sentence } from './support/upstream.mjs';
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
  let up, other, daemon;
  const bench = admissionBench({
    'openai_compat:one-slot': { max_concurrent: 1, max_queued: 64 },
    'local:tight': { max_concurrent: 1, max_queued: 2, default_queue_wait_s: 0.4, default_inference_s: 0.6 },
  });
  const { makeProfile, into, occupy, waiting } = bench;
  before(() => { ({ up, other, daemon } = bench); });

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
});
