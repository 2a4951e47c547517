// Workers: registration and its conflicts, sessions, heartbeats, what the lists show, and what becomes of those that fall silent.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, ms, TIME } from './support/expect.mjs';
import { answers, Crew, Worker } from './support/worker.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until } from './support/wait.mjs';

const WORKERS = '/api/v1/workers';
const WORKER_FIELDS = ['session', 'llms', 'bound', 'address', 'connected_at', 'last_heartbeat_at', 'capacity', 'in_flight', 'done', 'failed', 'state', 'kind'];
const LLM_FIELDS = ['breaker', 'failures', 'name', 'kind', 'type', 'model', 'models', 'tier', 'pool', 'status', 'capacity', 'running', 'session', 'url', 'last_heartbeat_at', 'inactive_since'];
let daemon, up;
const crew = new Crew(() => daemon);

before(async () => {
  up = await startUpstream({ models: ['up-model'] });
  daemon = await startDaemon({
    config: {
      upstreams: [{ name: 'taken', type: 'openai', url: up.url, models: ['up-model'], capacity: 2 }],
      workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 2, inactive_retention_s: 600 },
    },
  });
});
after(async () => {
  await daemon?.stop();
  await up?.stop();
});
afterEach(() => crew.end());

const llmOf = (name) => daemon.json(`/api/v1/llms/${name}`);
const llmWhen = (name, status) => until(`LLM ${name} is ${status}`, async () => {
  const llm = await llmOf(name);
  return llm.status === status ? llm : undefined;
}, { within: 8000, seen: () => llmOf(name) });
const sessions = async () => (await daemon.json(WORKERS)).workers;
const sessionOf = (worker) => daemon.json(`${WORKERS}/${worker.session}`);

describe('registration', () => {
  test('201 gives a session and the LLMs; it is kept when given again', async () => {
    const worker = crew.hire({ llms: [{ name: crew.name('first'), type: 'llamacpp', model: 'qwen3-8b', tier: 'small', pool: 'chatters', capacity: 3 }, { name: crew.name('second'), type: 'openai', model: 'other' }] });
    const r = await worker.register();
    assert.equal(r.status, 201, r.text);
    assert.deepEqual(Object.keys(r.json).sort(), ['llms', 'session']);
    assert.ok(typeof r.json.session === 'string' && r.json.session.length > 0);
    assert.deepEqual(r.json.llms.map((l) => l.name), worker.llms.map((l) => l.name));
    const again = await worker.register();
    assert.equal(again.status, 201, again.text);
    assert.equal(again.json.session, r.json.session, 'sticky');
    assert.equal((await sessions()).filter((w) => w.llms.some((l) => (l.name ?? l) === worker.llms[0].name)).length, 1, 'one session, not two');

    await worker.bind();
    const llm = await llmWhen(worker.llms[0].name, 'active');
    assert.deepEqual(Object.keys(llm).sort(), [...LLM_FIELDS].sort());
    assert.deepEqual([llm.kind, llm.type, llm.model, llm.tier, llm.pool, llm.capacity, llm.running, llm.session, llm.url, llm.inactive_since],
      ['worker', 'llamacpp', 'qwen3-8b', 'small', 'chatters', 3, 0, worker.session, null, null]);
    assert.match(llm.last_heartbeat_at, TIME);
    const second = await llmOf(worker.llms[1].name);
    assert.deepEqual([second.capacity, second.pool, second.tier], [1, null, null], 'capacity is 1 unless told');
    const listed = (await daemon.json('/api/v1/llms')).llms.find((l) => l.name === llm.name);
    assert.equal(listed.session, worker.session);
    assert.ok((await daemon.json('/v1/models')).data.some((m) => m.id === llm.name), 'callers find it among the models');
  });

  test('a session id that is not known is taken as new', async () => {
    const worker = crew.hire({ session: '01890000-0000-7000-8000-00000000abcd' });
    const r = await worker.register();
    assert.equal(r.status, 201, r.text);
    await worker.bind();
    assert.equal((await llmWhen(worker.llms[0].name, 'active')).session, r.json.session);
  });

  test('a second registration of a session changes what it has', async () => {
    const worker = await crew.start({ capacity: 1 });
    worker.llms = [{ ...worker.llms[0], capacity: 5, tier: 'big' }];
    assert.equal((await worker.register()).status, 201);
    const llm = await llmOf(worker.llms[0].name);
    assert.deepEqual([llm.capacity, llm.tier, llm.session], [5, 'big', worker.session]);
  });

  test('conflicts: an upstream\'s name, a live session\'s name; nothing of the call is taken over', async () => {
    const owner = await crew.start();
    for (const name of ['taken', owner.llms[0].name]) {
      const other = crew.hire({ llms: [crew.llm({ name: crew.name('free') }), crew.llm({ name })] });
      const before_ = (await sessions()).length;
      const r = await other.register();
      const e = expectError(r, 'name_conflict');
      assert.ok(e.message.includes(name), `the message names it: ${e.message}`);
      expectError(await daemon.get(`/api/v1/llms/${other.llms[0].name}`), 'llm_not_found');
      assert.equal((await sessions()).length, before_, 'and no session came of it');
    }
    assert.equal((await llmOf(owner.llms[0].name)).session, owner.session);
    assert.equal((await llmOf('taken')).kind, 'upstream');
  });

  test('an inactive one\'s name can be taken over, and its former session does not get it back', async () => {
    const former = await crew.start();
    const { name } = former.llms[0];
    const heir = crew.hire({ llms: [crew.llm({ name, capacity: 4 })] });
    expectError(await heir.register(), 'name_conflict', {}, 'while the first is live');
    former.kill();
    const gone = await llmWhen(name, 'inactive');
    assert.match(gone.inactive_since, TIME);
    assert.equal((await heir.register()).status, 201);
    await heir.bind();
    heir.beat();
    const llm = await llmWhen(name, 'active');
    assert.deepEqual([llm.session, llm.capacity, llm.inactive_since], [heir.session, 4, null]);
    await former.heartbeat();
    assert.equal((await llmOf(name)).session, heir.session, 'a heartbeat of the former changes nothing');
    expectError(await former.register(), 'name_conflict', {}, 'the former session registers again');
    assert.equal((await llmOf(name)).session, heir.session);
  });

  test('bad bodies', async () => {
    const good = { name: 'x', type: 'openai', model: 'm' };
    const cases = [
      [{}, /llms/], [{ session: null }, /llms/], [{ llms: [] }, /llms/], [{ llms: 'x' }, /llms/], [{ llms: ['x'] }, /llms/], [{ session: 7, llms: [good] }, /session/],
      [{ llms: [{ ...good, name: undefined }] }, /name/], [{ llms: [{ ...good, name: 'white space' }] }, /name/], [{ llms: [{ ...good, name: 'x'.repeat(129) }] }, /name/],
      [{ llms: [{ ...good, model: undefined }] }, /model/], [{ llms: [{ ...good, capacity: 0 }] }, /capacity/], [{ llms: [{ ...good, capacity: 1.5 }] }, /capacity/],
      [{ llms: [{ ...good, status: 'asleep' }] }, /status/], [{ llms: [{ ...good, status: 'inactive' }] }, /status/], [{ llms: [{ ...good, pool: '' }] }, /pool/],
      [{ llms: [good, { ...good, capacity: -1 }] }, /capacity/],
    ];
    for (const [body, param] of cases) expectError(await daemon.post(WORKERS, body), 'invalid_request', { param }, JSON.stringify(body));
    expectError(await daemon.post(WORKERS, '[]'), 'invalid_json');
    expectError(await daemon.get('/api/v1/llms/x'), 'llm_not_found');
  });

  test('unknown sessions', async () => {
    const path = `${WORKERS}/01890000-0000-7000-8000-000000000000`;
    expectError(await daemon.get(path), 'session_not_found');
    expectError(await daemon.get(`${path}/stream`), 'session_not_found');
    expectError(await daemon.post(`${path}/heartbeat`, {}), 'session_not_found');
    expectError(await daemon.post(`${path}/drain`, {}), 'session_not_found');
    expectError(await daemon.send({ method: 'DELETE', path }), 'session_not_found');
  });
});

describe('heartbeats and the list', () => {
  test('a worker in the list', async () => {
    const worker = await crew.start({ capacity: 2, always: answers.hold() });
    const fresh = await sessionOf(worker);
    assert.deepEqual(Object.keys(fresh).sort(), [...WORKER_FIELDS].sort());
    assert.deepEqual([fresh.session, fresh.bound, fresh.capacity, fresh.in_flight, fresh.done, fresh.failed], [worker.session, true, 2, 0, 0, 0]);
    assert.match(fresh.address, /127\.0\.0\.1/);
    assert.match(fresh.connected_at, TIME);
    assert.ok(JSON.stringify(fresh.llms).includes(worker.llms[0].name));
    assert.deepEqual((await sessions()).find((w) => w.session === worker.session).llms, fresh.llms);
    const call = daemon.openChat({ model: worker.llms[0].name });
    await worker.job();
    await until('one is in flight', async () => (await sessionOf(worker)).in_flight === 1);
    assert.equal((await llmOf(worker.llms[0].name)).running, 1);
    worker.release();
    expectOk(await call.done);
    worker.next(answers.fail('no', false));
    assert.equal((await daemon.chat({ model: worker.llms[0].name })).status, 502);
    await until('done and failed are counted', async () => {
      const w = await sessionOf(worker);
      return w.in_flight === 0 && w.done === 1 && w.failed === 1;
    }, { seen: () => sessionOf(worker) });
    const before_ = ms((await sessionOf(worker)).last_heartbeat_at);
    await until('heartbeats are shown', async () => ms((await sessionOf(worker)).last_heartbeat_at) > before_);
  });

  test('an answered heartbeat tells its session and the interval', async () => {
    const worker = await crew.start();
    const r = expectOk(await worker.heartbeat());
    assert.deepEqual(r.json, { session: worker.session, heartbeat_interval_s: 1 });
    expectError(await worker.post('/heartbeat', { llms: [{ name: worker.llms[0].name, status: 'asleep' }] }), 'invalid_request', { param: /status/ });
  });

  test('silent for heartbeat_timeout_s: inactive; a heartbeat revives it', async () => {
    const worker = await crew.start();
    const { name } = worker.llms[0];
    await llmWhen(name, 'active');
    clearInterval(worker.timer);
    const heard = Date.now();
    await llmWhen(name, 'inactive');
    assert.ok(Date.now() - heard >= 1000, 'not before its time');
    const w = await sessionOf(worker);
    assert.equal(w.state, 'inactive');
    expectError(await daemon.post(`/api/v1/llms/${name}/infer`, { messages: [] }), 'no_backend');
    await worker.bind();
    expectOk(await worker.heartbeat());
    worker.beat();
    const llm = await llmWhen(name, 'active');
    assert.equal(llm.inactive_since, null);
    expectOk(await daemon.chat({ model: name }));
  });

  test('heartbeats keep a worker that has nothing to do alive', async () => {
    const worker = await crew.start();
    const end = Date.now() + 3500;
    await until('3.5 s have passed', async () => {
      assert.equal((await llmOf(worker.llms[0].name)).status, 'active');
      return Date.now() > end;
    }, { within: 6000, every: 100 });
    assert.equal(worker.channel.ended, undefined, 'its channel is still open');
  });

  test('a channel is a plain event stream', async () => {
    const worker = crew.hire({});
    await worker.register();
    const channel = await worker.bind();
    assert.equal(channel.headers['content-type'], 'text/event-stream');
    assert.equal(channel.headers['cache-control'], 'no-store');
    assert.equal(channel.headers['x-accel-buffering'], 'no');
  });
});

describe('after a restart', () => {
  test('registrations are there, inactive, and revive by binding; what waits for them runs', async () => {
    const worker = await crew.start({ capacity: 2, pool: crew.name('pool') });
    const { name } = worker.llms[0];
    worker.kill();
    const r = await daemon.post('/api/v1/inference-tasks', { llm: name, request: { messages: [{ role: 'user', content: 'later' }] } });
    assert.equal(r.status, 201, r.text);
    await daemon.restart();
    const llm = await llmOf(name);
    assert.deepEqual([llm.status, llm.session, llm.capacity, llm.pool, llm.model], ['inactive', worker.session, 2, worker.llms[0].pool, worker.llms[0].model]);
    assert.equal((await daemon.task(r.json.id)).status, 'pending');
    const w = await sessionOf(worker);
    assert.deepEqual([w.bound, w.in_flight], [false, 0]);
    await worker.bind();
    worker.beat();
    await llmWhen(name, 'active');
    assert.equal((await daemon.taskWhen(r.json.id, 'completed', (t) => t.status === 'completed')).claimed_by, worker.session);
  });
});

describe('forgotten at last', () => {
  test('inactive for inactive_retention_s: its LLMs and session are gone', async () => {
    const brief = await startDaemon({ config: { gc: { interval_s: 1 }, workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 2, inactive_retention_s: 1 } } });
    try {
      const stays = await new Worker(brief.port, { llms: [{ name: 'stays', type: 'openai', model: 'm' }] }).start();
      const goes = await new Worker(brief.port, { llms: [{ name: 'goes', type: 'openai', model: 'm' }] }).start();
      goes.kill();
      await until('it is forgotten', async () => (await brief.get('/api/v1/llms/goes')).status === 404, { within: 10_000, seen: () => brief.json('/api/v1/llms') });
      expectError(await brief.get(`${WORKERS}/${goes.session}`), 'session_not_found');
      expectError(await brief.post(`${WORKERS}/${goes.session}/heartbeat`, {}), 'session_not_found');
      assert.equal((await brief.json('/api/v1/llms/stays')).status, 'active');
      expectError(await brief.chat({ model: 'goes' }), 'model_not_found');
      stays.kill();
    } finally {
      await brief.stop();
    }
  });
});
