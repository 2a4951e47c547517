// GET /api/v1/events: a state at once and then each second, every call as it changes, what a key may see of it, readers that
// leave, that do not read, that are too many, and a broker that stops under them.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError } from './support/expect.mjs';
import { EventReader } from './support/task_stream.mjs';
import { until } from './support/wait.mjs';
import { Worker } from './support/worker.mjs';

const PATH = '/api/v1/events';
let daemon;
const readers = new Set();
const listen = (options = {}, from = daemon) => {
  const reader = new EventReader(from.port, { path: PATH, ...options });
  readers.add(reader);
  return reader;
};
const states = (reader) => reader.events.filter((e) => e.event === 'state').map((e) => JSON.parse(e.data));
const calls = (reader, description) => reader.events.filter((e) => e.event === 'call').map((e) => JSON.parse(e.data)).filter((row) => !description || row.description === description);
const begun = (reader) => until('a state has come', () => states(reader).length > 0, { seen: () => ({ status: reader.status, text: reader.text }) });
const chat = (description, more = {}) => daemon.chat({ model: 'echo', max_tokens: 3, messages: [], ...more }, { 'X-Signalbox-Description': description });

describe('live events', () => {
  before(async () => { daemon = await startDaemon({ config: { echo: { token_delay_ms: 60, capacity: 4 }, inference: { profiles: { shut: { max_concurrent: 0 } } } } }); });
  after(() => daemon?.stop());
  afterEach(() => { for (const reader of readers) reader.abort(); readers.clear(); });

  test('a state comes first, then one each second', async () => {
    const reader = listen();
    await begun(reader);
    assert.equal(reader.status, 200);
    assert.equal(reader.headers['content-type'], 'text/event-stream');
    assert.equal(reader.headers['cache-control'], 'no-store');
    assert.equal(reader.events[0].event, 'state');
    const [state] = states(reader);
    assert.deepEqual(Object.keys(state), ['profiles', 'llms', 'workers', 'tasks', 'uptime_s', 'version']);
    assert.deepEqual(Object.keys(state.tasks), ['pending', 'claimed', 'running', 'completed', 'error', 'cancelled']);
    assert.deepEqual(state.profiles.map((p) => p.name), ['shut']);
    assert.deepEqual(state.profiles[0], (await daemon.json('/api/v1/profiles/shut')));
    assert.deepEqual(state.llms.map((l) => l.name), ['echo']);
    const began = reader.events[0].at;
    await until('four states', () => states(reader).length >= 4, { within: 15_000 });
    const took = reader.events.filter((e) => e.event === 'state')[3].at - began;
    assert.ok(took > 2000, `three more in ${took} ms`);
  });

  test('every stage of a call is told, with the rows of /api/v1/calls', async () => {
    const reader = listen();
    await begun(reader);
    assert.equal((await chat('staged', { stream: true, max_tokens: 10 })).status, 200);
    const rows = await until('its end', () => { const all = calls(reader, 'staged'); return all.at(-1)?.finished_at ? all : undefined; });
    assert.deepEqual(rows.at(-1), (await daemon.calls()).find((row) => row.description === 'staged'));
    assert.ok(rows.some((row) => row.status === 'running'), 'it was seen running');
    assert.ok(rows.every((row) => row.id === rows[0].id));
    await until('the task is counted', () => states(reader).at(-1).tasks.completed >= 1);
  });

  test('a busy broker tells the end of every call', async () => {
    const reader = listen();
    await begun(reader);
    const count = 200;
    for (let i = 0; i < count; i += 20) await Promise.all(Array.from({ length: 20 }, () => chat('many', { max_tokens: 1, echo_delay_ms: 0 })));
    const ended = () => new Set(calls(reader, 'many').filter((row) => row.status === 'ok').map((row) => row.id));
    await until('all ended', () => ended().size === count, { within: 15_000, seen: () => ended().size });
  });

  test('profiles, workers and waiting calls are in the state', async () => {
    const reader = listen();
    await begun(reader);
    const waiting = daemon.openChat({ model: 'echo', messages: [] }, { 'X-Signalbox-Profile': 'shut', 'X-Signalbox-Priority': 'background' });
    const worker = await new Worker(daemon.port, { llms: [{ name: 'laptop', type: 'llamacpp', model: 'qwen3-8b' }] }).start();
    await until('they are told', () => {
      const state = states(reader).at(-1);
      return state.workers.length === 1 && state.profiles.find((p) => p.name === 'shut').waiting.background === 1 && state.tasks.pending === 1;
    }, { seen: () => states(reader).at(-1) });
    waiting.abort();
    await worker.leave();
    await until('they are gone', () => { const s = states(reader).at(-1); return s.workers.length === 0 && s.tasks.pending === 0; });
  });

  test('who does not read is left behind, who reads is not', async () => {
    const stuck = listen({ paused: true });
    await stuck.head;
    const reader = listen();
    await begun(reader);
    assert.equal((await chat('beside a stuck one')).status, 200);
    await until('its end', () => calls(reader, 'beside a stuck one').some((row) => row.finished_at));
  });

  test('more readers than there is room for are refused, and room is made', async () => {
    const many = Array.from({ length: 64 }, () => listen());
    for (const reader of many) await begun(reader);
    const refused = await daemon.get(PATH);
    assert.equal(refused.status, 503);
    assert.equal(refused.headers['retry-after'], '10');
    assert.equal(refused.json.error.code, 'queue_full');
    assert.equal((await chat('still served')).status, 200);
    many[0].abort();
    const again = await until('there is room', async () => {
      const reader = listen();
      await reader.head;
      if (reader.status === 200) return reader;
      reader.abort();
      return undefined;
    });
    await begun(again);
  });

  test('HEAD begins no stream, and other methods are refused', async () => {
    assert.equal((await daemon.send({ method: 'HEAD', path: PATH })).status, 405);
    expectError(await daemon.post(PATH, {}), 'method_not_allowed');
  });

  test('a broker that stops is not held up by readers', async () => {
    const own = await startDaemon();
    const reader = listen({}, own);
    await begun(reader);
    await own.stop();
    await until('the reader knows', () => reader.ended !== undefined);
  });
});

describe('live events of a broker with keys', () => {
  const secret = {};
  const key = (id, grants) => {
    secret[id] = `sbx_${crypto.randomBytes(32).toString('hex')}`;
    return { id, owner: id, sha256: crypto.createHash('sha256').update(secret[id]).digest('hex'), grants };
  };
  const as = (id) => ({ Authorization: `Bearer ${secret[id]}` });
  let guarded;
  before(async () => {
    guarded = await startDaemon({ config: { auth: { mode: 'keys', keys: [
      key('all', ['calls:view', 'profiles:view', 'llms:view', 'workers:view']), key('calls', ['calls:view']), key('machine', ['workers:create', 'calls:view']), key('app', ['tasks:create']),
    ] }, inference: { profiles: { shut: { max_concurrent: 0 } } } } });
  });
  after(() => guarded?.stop());

  test('show each key what it may see', async () => {
    expectError(await guarded.get(PATH), 'unauthorized');
    expectError(await guarded.get(PATH, as('app')), 'forbidden');
    const worker = await new Worker(guarded.port, { llms: [{ name: 'laptop', type: 'llamacpp', model: 'qwen3-8b' }], headers: as('machine') }).start();
    const seen = {};
    for (const id of ['all', 'calls', 'machine']) {
      const reader = listen({ headers: as(id) }, guarded);
      await begun(reader);
      const [state] = states(reader);
      seen[id] = [state.profiles.length, state.llms.length, state.workers.length];
      reader.abort();
    }
    assert.deepEqual(seen, { all: [1, 2, 1], calls: [0, 0, 0], machine: [0, 0, 1] });
    await worker.leave();
  });
});
