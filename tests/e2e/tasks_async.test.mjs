// Async tasks: enqueue and go away, poll, long-poll, list, cancel. Every field of a row, every filter of the list, every refusal.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, expectOnTime, ms, TIME } from './support/expect.mjs';
import { open } from './support/http.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
const MAX_BODY = 50_000;
const FIELDS = ['id', 'status', 'pool', 'llm', 'model', 'tier', 'profile', 'priority', 'kind', 'streaming', 'claimed_by', 'attempts', 'owner', 'agent', 'request_body',
  'response_body', 'error', 'metadata', 'queue_position', 'estimated_wait_s', 'created_at', 'claimed_at', 'stream_started_at', 'completed_at'];
let solo, left, right, daemon;

before(async () => {
  [solo, left, right] = await Promise.all(['solo', 'left', 'right'].map((name) => startUpstream({ models: [`${name}-model`], name })));
  daemon = await startDaemon({
    config: {
      http: { max_body_bytes: MAX_BODY },
      upstreams: [
        { name: 'solo', type: 'openai', url: solo.url, models: ['solo-model'], capacity: 1, tier: 'small' },
        { name: 'left', type: 'openai', url: left.url, models: ['left-model'], pool: 'pair', capacity: 1 },
        { name: 'right', type: 'openai', url: right.url, models: ['right-model'], pool: 'pair', capacity: 1 },
      ],
      agents: [{ name: 'clerk', llm: 'solo', system_prompt: 'You are a clerk.', priority: 'background' }],
      inference: { profiles: { shut: { max_concurrent: 0 } } },
    },
  });
});
after(async () => {
  await daemon?.stop();
  for (const u of [solo, left, right]) await u?.stop();
});
afterEach(async () => {
  for (const row of await daemon.tasks('&status=pending&status=claimed&status=running')) await cancel(row.id);
  for (const u of [solo, left, right]) await u.reset();
  await daemon.idle();
});

const request = (content = 'hi', more = {}) => ({ messages: [{ role: 'user', content }], ...more });
const enqueue = (body, headers) => daemon.post(TASKS, { llm: 'solo', request: request(), ...body }, headers, 5000);
/// One that stays pending: its profile admits nothing.
const enqueuePending = (body = {}, headers = {}) => enqueue(body, { 'X-Signalbox-Profile': 'shut', ...headers });
const cancel = (id) => daemon.send({ method: 'DELETE', path: `${TASKS}/${id}` });
async function created(answer) {
  const r = await answer;
  assert.equal(r.status, 201, r.text.slice(0, 500));
  return r.json;
}

describe('enqueue', () => {
  test('201 with Location and the whole row, at once, while nobody can run it', async () => {
    solo.always = { hold: true };
    await created(enqueue({ request: request('the one that runs') }));
    await solo.arrived(1);
    const r = await enqueue({ request: request('the one that waits', { temperature: 0.5 }), metadata: { job: 'nightly', page: 7 }, priority: 'interactive' });
    assert.equal(r.status, 201, r.text);
    const row = r.json;
    assert.equal(r.headers.location, `${TASKS}/${row.id}`);
    assert.equal(r.headers['x-signalbox-task'], row.id);
    for (const field of FIELDS) assert.ok(field in row, `${field} is there, null when there is nothing to tell`);
    assert.deepEqual(Object.fromEntries(FIELDS.map((f) => [f, row[f]])), {
      id: row.id, status: 'pending', pool: 'solo', llm: row.llm, model: row.model, tier: 'small', profile: 'openai_compat:solo-model', priority: 'interactive', kind: 'chat',
      streaming: false, claimed_by: null, attempts: 0, owner: 'local', agent: null, request_body: request('the one that waits', { temperature: 0.5 }), response_body: null,
      error: null, metadata: { job: 'nightly', page: 7 }, queue_position: 1, estimated_wait_s: row.estimated_wait_s, created_at: row.created_at, claimed_at: null,
      stream_started_at: null, completed_at: null,
    });
    assert.equal(row.llm, 'solo');
    assert.match(row.created_at, TIME);
    assert.ok(typeof row.estimated_wait_s === 'number' && row.estimated_wait_s >= 0, `estimated_wait_s ${row.estimated_wait_s}`);
  });

  test('it runs, and the row tells how', async () => {
    const { id } = await created(enqueue({ request: request('run me') }));
    const row = await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    assert.deepEqual([row.claimed_by, row.attempts, row.error, row.queue_position, row.estimated_wait_s], ['solo', 1, null, null, null]);
    assert.equal(row.response_body.choices[0].message.content, sentence(4));
    for (const t of ['created_at', 'claimed_at', 'completed_at']) assert.match(row[t], TIME, t);
    assert.ok(ms(row.created_at) <= ms(row.claimed_at) && ms(row.claimed_at) <= ms(row.completed_at), JSON.stringify(row));
    assert.equal(solo.requests[0].body.model, 'solo-model', 'the backend gets its own model id');
    assert.equal(solo.requests[0].body.messages[0].content, 'run me');
  });

  test('a streamed one: stream_started_at is set, and its body is put together', async () => {
    const { id, streaming } = await created(enqueue({ request: request('stream me', { stream: true }) }));
    assert.equal(streaming, true);
    const row = await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    assert.match(row.stream_started_at, TIME);
    assert.ok(ms(row.claimed_at) <= ms(row.stream_started_at) && ms(row.stream_started_at) <= ms(row.completed_at));
    assert.equal(row.response_body.object, 'chat.completion');
    assert.equal(row.response_body.choices[0].message.content, sentence(4));
  });

  test('by llm, model, pool and agent; chat, completion and embedding', async () => {
    const byModel = await created(daemon.post(TASKS, { model: 'solo-model', request: request() }));
    assert.deepEqual([byModel.pool, byModel.kind], ['solo', 'chat']);
    const byPool = await created(daemon.post(TASKS, { model: 'pair', request: request() }));
    assert.deepEqual([byPool.pool, byPool.profile], ['pair', 'openai_compat:pair']);
    const byAgent = await created(daemon.post(TASKS, { agent: 'clerk', request: request('by agent') }));
    assert.deepEqual([byAgent.agent, byAgent.pool, byAgent.priority], ['clerk', 'solo', 'background']);
    const completion = await created(enqueue({ kind: 'completion', request: { prompt: 'once' } }));
    assert.deepEqual([completion.kind, completion.priority], ['completion', 'workflow']);
    const embedding = await created(enqueue({ kind: 'embedding', request: { input: 'two' } }));
    assert.deepEqual([embedding.kind, embedding.priority, embedding.profile], ['embedding', 'background', 'embeddings:solo-model']);
    for (const { id } of [byModel, byPool, byAgent, completion, embedding]) await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    const agents = solo.requests.find((r) => r.body.messages?.at(-1).content === 'by agent');
    assert.deepEqual(agents.body.messages[0], { role: 'system', content: 'You are a clerk.' });
    assert.deepEqual(solo.requests.map((r) => r.path).filter((p) => !p.includes('chat')).sort(), ['/v1/completions', '/v1/embeddings']);
  });

  test('queue_wait_s and inference_s are kept to', async () => {
    const waits = await created(enqueuePending({ queue_wait_s: 0.4 }));
    const late = await daemon.taskWhen(waits.id, 'ended', (t) => t.status === 'error');
    assert.equal(late.error.code, 'queue_wait_timeout');
    expectOnTime(ms(late.completed_at) - ms(late.created_at), 400);
    solo.always = { hold: true };
    const runs = await created(enqueue({ inference_s: 0.4 }));
    const over = await daemon.taskWhen(runs.id, 'ended', (t) => t.status === 'error');
    assert.equal(over.error.code, 'inference_timeout');
    expectOnTime(ms(over.completed_at) - ms(over.claimed_at), 400);
    assert.ok(over.error.message.length > 0);
  });

  test('without queue_wait_s there is no limit of the profile\'s kind', async () => {
    expectOk(await daemon.put('/api/v1/profiles/brief', { max_concurrent: 0, default_queue_wait_s: 0.2 }));
    const { id } = await created(enqueue({}, { 'X-Signalbox-Profile': 'brief' }));
    const sync = await daemon.chat({ model: 'solo' }, { 'X-Signalbox-Profile': 'brief' });
    expectError(sync, 'queue_wait_timeout');
    assert.equal((await daemon.task(id)).status, 'pending', 'the profile\'s 0.2 s ended the sync call and not the task');
  });

  test('refusals: unknown names, missing and bad fields, too large', async () => {
    const cases = [
      [{ llm: 'nobody', request: request() }, 'llm_not_found'], [{ model: 'nobody', request: request() }, 'model_not_found'],
      [{ agent: 'nobody', request: request() }, 'agent_not_found'], [{ request: request() }, 'invalid_request'], [{ llm: 'solo' }, 'invalid_request', /request/],
      [{ llm: 'solo', request: 'text' }, 'invalid_request', /request/], [{ llm: 'solo', request: request(), kind: 'poem' }, 'invalid_request', /kind/],
      [{ llm: 'solo', request: request(), priority: 'urgent' }, 'invalid_priority'], [{ llm: 'solo', request: request(), queue_wait_s: 0 }, 'invalid_request', /queue_wait_s/],
      [{ llm: 'solo', request: request(), inference_s: 'long' }, 'invalid_request', /inference_s/], [{ llm: 'solo', request: request(), fail_fast: 'yes' }, 'invalid_request', /fail_fast/],
    ];
    for (const [body, code, param] of cases) expectError(await daemon.post(TASKS, body), code, param ? { param } : {}, JSON.stringify(body));
    expectError(await daemon.post(TASKS, '[1]'), 'invalid_json');
    expectError(await daemon.post(TASKS, '{"llm":'), 'invalid_json');
    expectError(await enqueue({ request: request('x'.repeat(MAX_BODY)) }), 'body_too_large');
    assert.equal((await daemon.tasks('&status=pending')).length, 0, 'nothing of all that became a task');
  });

  test('an idempotency key: the same task for the same body, 422 for another', async () => {
    const headers = { 'Idempotency-Key': crypto.randomUUID() };
    const first = await created(enqueuePending({ metadata: { n: 1 } }, headers));
    const again = await enqueuePending({ metadata: { n: 1 } }, headers);
    assert.ok([200, 201].includes(again.status), again.text);
    assert.equal(again.json.id, first.id);
    const other = await enqueuePending({ metadata: { n: 2 } }, headers);
    expectError(other, 'idempotency_key_reused');
    assert.notEqual((await created(enqueuePending({ metadata: { n: 1 } }, { 'Idempotency-Key': crypto.randomUUID() }))).id, first.id);
    const both = await Promise.all(Array.from({ length: 5 }, () => enqueuePending({ metadata: { race: true } }, { 'Idempotency-Key': 'five at once' })));
    assert.equal(new Set(both.map((r) => r.json.id)).size, 1, 'five at once are one task');
    await daemon.restart();
    assert.equal((await enqueuePending({ metadata: { n: 1 } }, headers)).json.id, first.id, 'after a restart too');
  });
});

describe('poll and long poll', () => {
  test('wait_s answers when the task ends, not later', async () => {
    solo.always = { hold: true };
    const { id } = await created(enqueue());
    await solo.arrived(1);
    const poll = open(daemon.port, { method: 'GET', path: `${TASKS}/${id}?wait_s=20` });
    const short = expectOk(await daemon.get(`${TASKS}/${id}?wait_s=0.3`));
    expectOnTime(short.tookMs, 300);
    assert.ok(['claimed', 'running'].includes(short.json.status), short.text);
    assert.equal(poll.ended, undefined, 'the long one still waits');
    solo.release();
    const r = expectOk(await within('the long poll is answered', poll.done));
    assert.equal(r.json.status, 'completed');
    const again = expectOk(await daemon.get(`${TASKS}/${id}?wait_s=20`));
    assert.ok(again.tookMs < 2000, 'a terminal one answers at once');
  });

  test('bad wait_s and unknown ids', async () => {
    const { id } = await created(enqueuePending());
    for (const wait of ['601', '-1', 'soon']) expectError(await daemon.get(`${TASKS}/${id}?wait_s=${wait}`), 'invalid_request', { param: 'wait_s' }, wait);
    const unknown = '01890000-0000-7000-8000-000000000000';
    expectError(await daemon.get(`${TASKS}/${unknown}`), 'task_not_found');
    expectError(await cancel(unknown), 'task_not_found');
    expectError(await daemon.get(`${TASKS}/${unknown}/stream`), 'task_not_found');
    expectError(await daemon.get(`${TASKS}/no-id-at-all`), 'task_not_found');
    expectError(await daemon.send({ method: 'PATCH', path: `${TASKS}/${id}` }), 'method_not_allowed');
  });

  test('queue_position counts those ahead, by class', async () => {
    expectOk(await daemon.put('/api/v1/profiles/line', { max_concurrent: 0 }));
    const rows = [];
    for (const priority of ['workflow', 'background', 'workflow', 'interactive']) rows.push(await created(enqueue({ priority }, { 'X-Signalbox-Profile': 'line' })));
    const positions = await Promise.all(rows.map(async (r) => (await daemon.task(r.id)).queue_position));
    assert.deepEqual(positions, [2, 4, 3, 1]);
  });
});

describe('cancel', () => {
  test('pending, running, terminal', async () => {
    solo.always = { hold: true };
    const running = await created(enqueue({ request: request('runs', { stream: true }) }));
    await solo.arrived(1);
    const pending = await created(enqueue({ request: request('waits') }));
    const row = expectOk(await cancel(pending.id)).json;
    assert.deepEqual([row.id, row.status, row.attempts], [pending.id, 'cancelled', 0]);
    assert.match(row.completed_at, TIME);
    assert.equal(expectOk(await cancel(running.id)).json.status, 'cancelled');
    await within('the backend is told', (async () => { while (solo.requests[0].state !== 'aborted') await new Promise((r) => { setTimeout(r, 10); }); })());
    for (const { id } of [pending, running]) {
      const was = await daemon.get(`${TASKS}/${id}`);
      const again = expectOk(await cancel(id));
      assert.deepEqual(again.json, was.json, 'terminal: the row, unchanged');
    }
    solo.always = {};
    const done = await created(enqueue());
    const completed = await daemon.taskWhen(done.id, 'completed', (t) => t.status === 'completed');
    assert.deepEqual(expectOk(await cancel(done.id)).json, completed, 'a completed one stays completed');
    assert.equal(solo.requests.filter((r) => r.body.messages[0].content === 'waits').length, 0, 'the cancelled one never ran');
  });

  test('a sync caller whose task someone else cancels is told 409 task_cancelled', async () => {
    solo.always = { hold: true };
    const call = daemon.openChat({ model: 'solo' });
    await solo.arrived(1);
    const [row] = await daemon.tasks('&status=claimed&status=running');
    expectOk(await cancel(row.id));
    const r = await within('the caller is told', call.done);
    expectError(r, 'task_cancelled');
    assert.equal(r.headers['x-should-retry'], 'false');
  });
});
