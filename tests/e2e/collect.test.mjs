// The collector, with intervals of seconds: pending for too long is an error, ended for long enough is gone, its key is free again.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, ms } from './support/expect.mjs';
import { followTask } from './support/task_stream.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
const LIMIT_S = 2;
let up;
before(async () => { up = await startUpstream({ models: ['m'] }); });
after(() => up?.stop());

const daemonWith = (gc) => startDaemon({ config: { upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 2 }], inference: { profiles: { shut: { max_concurrent: 0, default_queue_wait_s: 60 } } }, gc: { interval_s: 1, ...gc } } });
const enqueue = (daemon, headers = {}, body = {}) => daemon.post(TASKS, { llm: 'm', request: { messages: [{ role: 'user', content: 'hi' }] }, ...body }, headers);

describe('pending for too long', () => {
  let daemon;
  before(async () => { daemon = await daemonWith({ pending_timeout_s: LIMIT_S }); });
  after(() => daemon?.stop());

  test('an async task ends as task_expired, a waiting caller and an observer are told', async () => {
    const sync = daemon.openChat({ model: 'm' }, { 'X-Signalbox-Profile': 'shut' });
    const keyed = daemon.openChat({ model: 'm', stream: true }, { 'X-Signalbox-Profile': 'shut', 'Idempotency-Key': crypto.randomUUID() });
    const { id } = (await enqueue(daemon, { 'X-Signalbox-Profile': 'shut' })).json;
    const observer = await followTask(daemon, id);
    const poll = await daemon.get(`${TASKS}/${id}?wait_s=20`);
    const row = expectOk(poll).json;
    assert.deepEqual([row.status, row.error.code, row.attempts], ['error', 'task_expired', 0]);
    assert.ok(row.error.message.length > 10, row.error.message);
    const pendingMs = ms(row.completed_at) - ms(row.created_at);
    assert.ok(pendingMs >= LIMIT_S * 1000 && pendingMs < LIMIT_S * 1000 + 4000, `${pendingMs} ms`);
    assert.deepEqual(await observer.ending(), row);
    expectError(await within('the sync caller is told', sync.done), 'task_expired');
    expectError(await within('the streaming caller is told', keyed.done), 'task_expired');
    assert.equal(up.requests.length, 0);
  });

  test('one that runs is not pending, however long it takes', async () => {
    up.next({ hold: true });
    const { id } = (await enqueue(daemon)).json;
    await up.arrived(1);
    const { id: waits } = (await enqueue(daemon, { 'X-Signalbox-Profile': 'shut' })).json;
    await daemon.taskWhen(waits, 'expired', (t) => t.status === 'error', { within: 10_000 });
    assert.ok(['claimed', 'running'].includes((await daemon.task(id)).status));
    up.release();
    assert.equal((await daemon.taskWhen(id, 'ended', (t) => t.completed_at)).status, 'completed');
  });

  test('what expired while the broker was down is found at its return', async () => {
    const { id } = (await enqueue(daemon, { 'X-Signalbox-Profile': 'shut' })).json;
    const made = Date.now();
    await daemon.kill();
    await until('its time is over', () => Date.now() - made > LIMIT_S * 1000, { within: 10_000 });
    await daemon.start();
    const row = await daemon.taskWhen(id, 'expired', (t) => t.status === 'error');
    assert.equal(row.error.code, 'task_expired');
  });
});

describe('ended for long enough', () => {
  let daemon;
  before(async () => { daemon = await daemonWith({ terminal_retention_s: LIMIT_S }); });
  after(() => daemon?.stop());

  test('the row is deleted, and its idempotency key is free', async () => {
    await up.reset();
    const headers = { 'Idempotency-Key': crypto.randomUUID() };
    const { id } = (await enqueue(daemon, headers)).json;
    const row = expectOk(await daemon.get(`${TASKS}/${id}?wait_s=10`)).json;
    assert.equal(row.status, 'completed');
    const cancelled = (await enqueue(daemon, { 'X-Signalbox-Profile': 'shut' })).json.id;
    await daemon.send({ method: 'DELETE', path: `${TASKS}/${cancelled}` });
    const pending = (await enqueue(daemon, { 'X-Signalbox-Profile': 'shut' })).json.id;
    assert.equal((await enqueue(daemon, headers)).json.id, id, 'until then the key finds it');
    for (const gone of [id, cancelled]) await until('the row is gone', async () => (await daemon.get(`${TASKS}/${gone}`)).status === 404, { within: 10_000 });
    assert.ok(Date.now() - ms(row.completed_at) >= LIMIT_S * 1000, 'not before its time');
    expectError(await daemon.get(`${TASKS}/${id}/stream`), 'task_not_found');
    assert.deepEqual((await daemon.tasks()).map((t) => t.id), [pending], 'pending ones are left alone, and the list has no hole');
    const again = await enqueue(daemon, headers, { metadata: { other: 'body' } });
    assert.equal(again.status, 201, again.text);
    assert.notEqual(again.json.id, id);
    await daemon.restart();
    expectError(await daemon.get(`${TASKS}/${id}`), 'task_not_found', {}, 'nor does a restart bring it back');
    assert.equal((await daemon.task(pending)).status, 'pending');
  });

  test('many at once: all of them go, while calls are answered', async () => {
    const ids = [];
    await Promise.all(Array.from({ length: 8 }, async () => {
      for (let i = 0; i < 25; i++) {
        const r = await enqueue(daemon);
        assert.equal(r.status, 201, r.text);
        ids.push(r.json.id);
      }
    }));
    await until('all have ended', async () => (await daemon.tasks('&status=pending&status=claimed&status=running')).length <= 1, { within: 20_000 });
    await until('all are gone', async () => {
      expectOk(await daemon.chat({ model: 'm' }));
      const left = new Set((await daemon.tasks()).map((t) => t.id));
      return ids.every((id) => !left.has(id));
    }, { within: 20_000, every: 100 });
    for (const id of ids.slice(0, 5)) expectError(await daemon.get(`${TASKS}/${id}`), 'task_not_found');
  });
});
