// Call rows that last: over a stop, over `kill -9`, beyond the thousand that are in memory; page by page nothing twice and nothing left
// out; deleted when their time is over. And /broker/state, which has them beside all the rest.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, ms, TIME } from './support/expect.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const CALLS = '/api/v1/calls';
const byName = (rows) => new Map(rows.map((row) => [row.description, row]));
const described = (text, more = {}) => ({ 'X-Signalbox-Description': text, ...more });

/// Every row that fits, page by page as a client gets them.
async function allCalls(daemon, query = {}, limit = 100) {
  const rows = [];
  let cursor;
  for (let pages = 0; pages < 500; pages++) {
    const page = await daemon.json(`${CALLS}?${new URLSearchParams({ ...query, limit, ...(cursor ? { cursor } : {}) })}`);
    assert.ok(page.calls.length <= limit);
    rows.push(...page.calls);
    cursor = page.next_cursor;
    if (!cursor) return rows;
  }
  throw new Error('pages without end');
}
function expectNewestFirst(rows) {
  const ids = rows.map((row) => row.id);
  assert.deepEqual(ids, [...new Set(ids)].sort().reverse(), 'newest first, none twice');
}

describe('rows over a stop and a kill', () => {
  let up, daemon;
  before(async () => {
    up = await startUpstream({ models: ['m'] });
    daemon = await startDaemon({ config: {
      upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 1 }],
      inference: { profiles: { narrow: { max_concurrent: 1, max_queued: 1 }, shut: { max_concurrent: 0 } } },
    } });
  });
  after(async () => { await daemon?.stop(); await up?.stop(); });

  test('each kind of end leaves one row, and a stop in good order leaves it as it is', async () => {
    const into = (profile, name, headers = {}, body = {}) => daemon.openChat({ model: 'm', ...body }, { 'X-Signalbox-Profile': profile, ...described(name, headers) });
    expectOk(await into('easy', 'ok', {}, { stream: true }).done);
    up.next({ status: 404 });
    assert.equal((await into('easy', 'error').done).status, 404);
    expectError(await into('shut', 'queue_wait_timeout', { 'X-Signalbox-Queue-Wait-S': '0.1' }).done, 'queue_wait_timeout');
    up.next({ hold: true });
    expectError(await into('easy', 'inference_timeout', { 'X-Signalbox-Inference-S': '0.2' }).done, 'inference_timeout');
    up.release();
    up.next({ hold: true });
    const seen = up.requests.length;
    const holder = into('narrow', 'ok, held');
    await up.arrived(seen + 1);
    const cancelled = into('narrow', 'cancelled');
    await daemon.profileWhen('narrow', 'one waits', (p) => p.waiting.workflow === 1);
    expectError(await into('narrow', 'queue_full').done, 'queue_full');
    const id = (await daemon.tasks('&status=pending')).find((t) => t.profile === 'narrow').id;
    expectOk(await daemon.send({ method: 'DELETE', path: `/api/v1/inference-tasks/${id}` }));
    await cancelled.done;
    up.release();
    expectOk(await holder.done);
    const task = (await daemon.post('/api/v1/inference-tasks', { llm: 'm', request: { messages: [{ role: 'user', content: 'x' }] } }, described('ok, async'))).json;
    await daemon.taskWhen(task.id, 'ended', (t) => t.completed_at);

    const names = ['ok', 'error', 'queue_wait_timeout', 'inference_timeout', 'ok, held', 'cancelled', 'queue_full', 'ok, async'];
    const rows = await until('all have ended', async () => {
      const found = await daemon.calls();
      return found.length === names.length && found.every((row) => row.finished_at) ? found : undefined;
    });
    expectNewestFirst(rows);
    assert.deepEqual([...byName(rows).keys()].sort(), [...names].sort());
    for (const row of rows) {
      assert.equal(row.status, row.description.split(',')[0]);
      assert.equal(row.error_kind === null, row.status === 'ok', JSON.stringify(row));
      assert.equal(row.owner, 'local');
      assert.equal(row.kind, 'chat');
      if (['ok', 'error', 'inference_timeout'].includes(row.status)) assert.equal(row.backend, 'm');
    }
    assert.deepEqual((await daemon.stop()), { code: 0, signal: null });
    await daemon.start();
    assert.deepEqual(await daemon.calls(), rows, 'the same after the restart');
    assert.deepEqual((await daemon.calls('&status=queue_full')).map((row) => row.description), ['queue_full']);
  });

  test('kill -9: what ended a while before is there, what ran then has one row in the end', async () => {
    for (let i = 0; i < 20; i++) expectOk(await daemon.chat({ model: 'm' }, described(`early ${i}`)));
    const early = Date.now();
    while (Date.now() - early < 3000) expectOk(await daemon.chat({ model: 'm' }, described('late')));
    up.next({ hold: true });
    const seen = up.requests.length;
    const { id } = (await daemon.post('/api/v1/inference-tasks', { llm: 'm', request: { messages: [{ role: 'user', content: 'x' }] } }, described('cut'))).json;
    await up.arrived(seen + 1);
    await daemon.kill();
    up.release();
    await daemon.start();
    await daemon.taskWhen(id, 'ended', (t) => t.status === 'completed');
    const rows = await until('the row has ended', async () => {
      const found = await allCalls(daemon);
      return found.find((row) => row.id === id)?.finished_at ? found : undefined;
    });
    expectNewestFirst(rows);
    const names = rows.map((row) => row.description);
    for (let i = 0; i < 20; i++) assert.equal(names.filter((name) => name === `early ${i}`).length, 1, `early ${i}`);
    assert.ok(rows.every((row) => row.finished_at && row.status), 'each has ended');
    assert.equal(rows.find((row) => row.id === id).status, 'ok');
  });
});

describe('tokens', () => {
  let daemon;
  before(async () => { daemon = await startDaemon({ config: { echo: { token_delay_ms: 0 } } }); });
  after(async () => { await daemon?.stop(); });
  const rowOf = async (name) => byName(await allCalls(daemon)).get(name);

  test('as the backend counts them, streamed or not; nothing comes out of an embedding', async () => {
    for (const stream of [false, true]) {
      expectOk(await daemon.openChat({ model: 'echo', stream, max_tokens: 7 }, described(`chat ${stream}`)).done);
      const row = await until('the row has ended', async () => { const each = await rowOf(`chat ${stream}`); return each?.finished_at && each; });
      // A stream is counted by its events where the backend says nothing: those of the role and of the end come on top.
      assert.ok(stream ? row.tokens_out >= 7 && row.tokens_out <= 10 : row.tokens_out === 7, JSON.stringify(row));
      if (!stream) assert.ok(row.tokens_in > 0, JSON.stringify(row));
    }
    await daemon.post('/v1/embeddings', { model: 'echo', input: 'some words' }, described('embedding'));
    const row = await rowOf('embedding');
    assert.ok(row.tokens_in > 0 && row.tokens_out === null, JSON.stringify(row));
  });

  test('a stream that runs shows how far it is', async () => {
    const open = daemon.openChat({ model: 'echo', stream: true, max_tokens: 100_000, echo_delay_ms: 20 }, described('long'));
    await until('its count grows', async () => (await rowOf('long'))?.tokens_out > 10);
    open.abort();
  });
});

describe('more than memory holds', () => {
  const COUNT = 1300;
  let daemon;
  const made = [];                    // {id, profile, priority}
  before(async () => {
    daemon = await startDaemon({ config: {
      echo: { enabled: true, capacity: 32, tokens: 1, token_delay_ms: 0 }, store: { commit: 'relaxed' },
      inference: { profiles: { shut: { max_concurrent: 0 }, one: { max_concurrent: 16 }, two: { max_concurrent: 16 } } },
    } });
  });
  after(() => daemon?.stop());

  const call = async (i) => {
    const profile = i % 10 === 0 ? 'two' : 'one';
    const fails = i % 50 === 7;
    const headers = fails ? { 'X-Signalbox-Profile': 'shut', 'X-Signalbox-Queue-Wait-S': '0.05' } : { 'X-Signalbox-Profile': profile };
    const r = await daemon.chat({ model: 'echo' }, described(`call ${i}`, headers));
    assert.equal(r.status, fails ? 503 : 200, r.text);
    made.push({ id: r.headers['x-signalbox-task'], profile: fails ? 'shut' : profile });
  };
  const expected = (fits = () => true) => made.filter(fits).map((m) => m.id).sort().reverse();
  const ids = (rows) => rows.map((row) => row.id);

  async function checkAll() {
    assert.deepEqual(ids(await allCalls(daemon)), expected());
    assert.deepEqual(ids(await allCalls(daemon, {}, 1000)), expected());
    assert.deepEqual(ids(await allCalls(daemon, { profile: 'two' }, 7)), expected((m) => m.profile === 'two'));
    assert.deepEqual(ids(await allCalls(daemon, { status: 'queue_wait_timeout' }, 3)), expected((m) => m.profile === 'shut'));
    assert.deepEqual(ids(await allCalls(daemon, { status: 'queue_wait_timeout', profile: 'one' })), []);
    assert.deepEqual(ids(await allCalls(daemon, { status: 'running' })), []);
  }

  test('every row, by page, by profile, by status', async () => {
    const oldest = await daemon.post('/api/v1/inference-tasks', { model: 'echo', request: { messages: [{ role: 'user', content: 'x' }] } }, { 'X-Signalbox-Profile': 'shut', ...described('waits') });
    assert.equal(oldest.status, 201, oldest.text);
    let next = 0;
    await Promise.all(Array.from({ length: 16 }, async () => { while (next < COUNT) await call(next++); }));
    assert.equal(made.length, COUNT);
    // Made before all others and not ended: in memory, below rows that are on the disk only.
    assert.equal((await allCalls(daemon)).at(-1).id, oldest.json.id);
    assert.deepEqual((await allCalls(daemon, { status: 'queued' })).map((row) => row.description), ['waits']);
    expectOk(await daemon.send({ method: 'DELETE', path: `/api/v1/inference-tasks/${oldest.json.id}` }));
    made.push({ id: oldest.json.id, profile: 'cancelled' });
    await until('all have ended', async () => (await allCalls(daemon)).every((row) => row.finished_at));
    await checkAll();
  });

  test('since is inclusive', async () => {
    const rows = await allCalls(daemon);
    for (const index of [0, 400, 1250]) {
      const since = rows[index].queued_at;
      assert.deepEqual(ids(await allCalls(daemon, { since }, 97)), ids(rows.filter((row) => ms(row.queued_at) >= ms(since))), since);
    }
    assert.deepEqual(await allCalls(daemon, { since: new Date(Date.now() + 60_000).toISOString() }), []);
  });

  test('pages that are read while calls come: those from before are all there, once', async () => {
    const known = expected();
    let stop = false;
    const callers = Promise.all(Array.from({ length: 4 }, async (_, n) => { for (let i = 0; !stop; i++) await call(10_000 * (n + 1) + i); }));
    try {
      for (let round = 0; round < 3; round++) {
        const rows = await allCalls(daemon, {}, 50);
        expectNewestFirst(rows);
        assert.deepEqual(ids(rows).filter((id) => id <= known[0]), known);
      }
    } finally {
      stop = true;
      await callers;
    }
  });

  test('the same after a restart', async () => {
    await daemon.stop();
    await daemon.start();
    await checkAll();
  });
});

describe('retention', () => {
  const KEEP_S = 2;
  let up, daemon;
  before(async () => {
    up = await startUpstream({ models: ['m'] });
    daemon = await startDaemon({ config: { upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 2 }], gc: { interval_s: 1, call_retention_s: KEEP_S } } });
  });
  after(async () => { await daemon?.stop(); await up?.stop(); });

  test('rows go when their time is over, what runs stays, and the task is another matter', async () => {
    up.next({ hold: true });
    const running = daemon.openChat({ model: 'm' }, described('runs'));
    await up.arrived(1);
    const ended = [];
    for (let i = 0; i < 10; i++) ended.push(expectOk(await daemon.chat({ model: 'm' }, described('ended'))).headers['x-signalbox-task']);
    await daemon.callsWhen('ended', 'are listed', { count: 10 });
    const listed = Date.now();
    await until('they are gone', async () => (await daemon.calls()).every((row) => row.description === 'runs'), { within: 15_000 });
    assert.ok(Date.now() - listed >= KEEP_S * 1000 - 1000, 'not before their time');
    assert.deepEqual((await daemon.calls()).map((row) => row.description), ['runs']);
    assert.equal((await daemon.task(ended[0])).status, 'completed');
    up.release();
    expectOk(await running.done);
    await daemon.callsWhen('runs', 'has ended');
    await daemon.stop();
    await daemon.start();
    await until('it is gone as well', async () => (await daemon.calls()).length === 0, { within: 15_000 });
    await daemon.restart();
    assert.deepEqual(await daemon.calls(), []);
  });
});

describe('/broker/state', () => {
  const SECRETS = {};
  const keyOf = (id, grants) => {
    SECRETS[id] = `sbx_${crypto.randomBytes(32).toString('hex')}`;
    return { id, owner: id, sha256: crypto.createHash('sha256').update(SECRETS[id]).digest('hex'), grants };
  };
  const as = (id, more = {}) => ({ Authorization: `Bearer ${SECRETS[id]}`, ...more });
  let daemon;
  before(async () => {
    daemon = await startDaemon({ config: {
      echo: { enabled: true, capacity: 4, tokens: 1, token_delay_ms: 0 },
      inference: { profiles: { one: { max_concurrent: 3, max_queued: 9 }, 'two/half': {} } },
      auth: { mode: 'keys', keys: [keyOf('plain'), keyOf('glance', ['calls:view']), keyOf('viewer', ['tasks:create', 'calls:view', 'profiles:view', 'llms:view', 'workers:view', 'workers:create'])] },
    } });
  });
  after(() => daemon?.stop());

  test('everything at a glance, in the words of the single calls', async () => {
    for (let i = 0; i < 120; i++) expectOk(await daemon.chat({ model: 'echo' }, as('viewer', { 'X-Signalbox-Profile': 'one', ...described(`call ${i}`) })));
    const registered = await daemon.post('/api/v1/workers', { session: null, llms: [{ name: 'wl', type: 'openai', model: 'wm' }] }, as('viewer'));
    assert.equal(registered.status, 201, registered.text);
    const state = expectOk(await daemon.get('/broker/state', as('viewer'))).json;
    assert.deepEqual(Object.keys(state).sort(), ['calls', 'llms', 'profiles', 'uptime_s', 'version', 'workers']);
    assert.equal(state.calls.length, 100);
    expectNewestFirst(state.calls);
    assert.equal(state.calls[0].description, 'call 119');
    assert.deepEqual(state.calls, (await daemon.json(`${CALLS}?limit=100`, as('viewer'))).calls);
    assert.match(state.calls[0].queued_at, TIME);
    assert.deepEqual(state.profiles.one, await daemon.json('/api/v1/profiles/one', as('viewer')));
    assert.equal(state.profiles.one.max_concurrent, 3);
    assert.ok(state.profiles['two/half'], 'a name with a slash is a key as it is');
    assert.deepEqual(Object.values(state.profiles), (await daemon.json('/api/v1/profiles', as('viewer'))).profiles);
    assert.deepEqual(state.llms, (await daemon.json('/api/v1/llms', as('viewer'))).llms);
    assert.deepEqual(state.workers.map((w) => w.session), [registered.json.session]);
    assert.equal(typeof state.version, 'string');
    assert.match(state.version, /^\d+\.\d+/);
    assert.ok(state.uptime_s > 0 && state.uptime_s < 600, `${state.uptime_s}`);
    const later = (await daemon.json('/broker/state', as('viewer'))).uptime_s;
    assert.ok(later > state.uptime_s);
  });

  test('shows a key no more than the single calls would', async () => {
    const state = await daemon.json('/broker/state', as('glance'));
    assert.equal(state.calls.length, 100);
    assert.deepEqual([state.profiles, state.llms, state.workers], [{}, [], []]);
  });

  test('needs calls:view, and a key; other methods are refused', async () => {
    expectError(await daemon.get('/broker/state', as('plain')), 'forbidden');
    expectError(await daemon.get('/broker/state'), 'unauthorized');
    expectError(await daemon.post('/broker/state', {}, as('viewer')), 'method_not_allowed');
  });

  test('its calls are those of before a restart, too', async () => {
    await daemon.stop();
    await daemon.start();
    const { calls, uptime_s: uptime } = await daemon.json('/broker/state', as('viewer'));
    assert.deepEqual(calls.map((row) => row.description), Array.from({ length: 100 }, (_, i) => `call ${119 - i}`));
    assert.ok(uptime < 60);
  });
});
