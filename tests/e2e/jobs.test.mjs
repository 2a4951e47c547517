// Jobs: made, read token by token, cancelled, queued, owned, kept over `kill -9`; on a push worker and on every other kind of backend.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { askJob, dones, dropJob, expectJobError, expectJobText, JOBS, jobText, makeJob, openJob, readJob, tokensOf } from './support/job.mjs';
import { event, PushCrew, words } from './support/push_worker.mjs';
import { Crew } from './support/worker.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const NOBODY = '01890000-0000-7000-8000-000000000000';
const TASKS = '/api/v1/inference-tasks';
let daemon, up;
const crew = new PushCrew(() => daemon);
const bound = new Crew(() => daemon);

before(async () => {
  up = await startUpstream({ models: ['up-model'] });
  daemon = await startDaemon({
    config: {
      upstreams: [{ name: 'up', type: 'openai', url: up.url, models: ['up-model'], capacity: 2 }],
      echo: { tokens: 6, token_delay_ms: 1 },
      workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 },
    },
  });
});
after(async () => {
  await daemon?.stop();
  await up?.stop();
});
afterEach(async () => {
  await crew.end();
  await bound.end();
  await up.reset();
});

const ended = (id) => daemon.taskWhen(id, 'ended', (t) => ['completed', 'error', 'cancelled'].includes(t.status));
const pending = (id) => daemon.taskWhen(id, 'pending', (t) => t.status === 'pending');

describe('a job', () => {
  test('is answered with its id and where to read it, and is a task of that id', async () => {
    const worker = await crew.start();
    const r = expectOk(await askJob(daemon, { model: worker.model, prompt: 'tell me', max_tokens: 9, temperature: 0.25, top_p: 0.5, top_k: 40 }));
    assert.deepEqual(Object.keys(r.json).sort(), ['job_id', 'sse_url']);
    assert.equal(r.json.sse_url, `${JOBS}/${r.json.job_id}/stream`);
    assert.equal(r.headers['x-signalbox-task'], r.json.job_id);
    assert.ok(r.headers['x-request-id']);
    expectJobText(await readJob(daemon, r.json.job_id), sentence(4));
    assert.deepEqual(worker.requests[0].body, { prompt: 'tell me', max_tokens: 9, temperature: 0.25, top_p: 0.5, top_k: 40 });
    const row = await ended(r.json.job_id);
    assert.deepEqual([row.status, row.kind, row.streaming, row.attempts, row.owner, row.priority, row.error], ['completed', 'completion', true, 1, 'local', 'workflow', null]);
    assert.equal(row.request_body.prompt, 'tell me');
    assert.equal(row.response_body.choices[0].text, sentence(4));
    assert.ok((await daemon.tasks()).some((t) => t.id === row.id), 'it is in the list');
    assert.equal((await daemon.calls()).filter((c) => c.task === row.id || c.id === row.id || c.profile === row.profile).length, 1, 'one call row');
  });

  test('streams its tokens as they come, byte for byte', async () => {
    const tokens = ['Once', ' upon', '  a', ' ', 'Grüße ', '日本', '🚂', 'line\nbreak', '\n', 'two\n\nlines\n', '{"a": 1}', 'data: x', ': no comment', 'event: x', '"quoted\\"', 'end '];
    const worker = await crew.start({ always: { tokens, stallAfter: 3 } });
    const id = await makeJob(daemon, { model: worker.model });
    const reader = openJob(daemon, id);
    await until('three tokens are here before the rest is made', () => reader.text === tokens.slice(0, 3).map(event).join(''), { seen: () => reader.text });
    worker.release();
    const r = await within('the stream ends', reader.done);
    assert.equal(r.text, `${tokens.map(event).join('')}data: [DONE]\n\n`);
    assert.deepEqual([r.headers['content-type'], r.headers['cache-control'], r.headers['x-accel-buffering']], ['text/event-stream', 'no-store', 'no']);
    assert.equal((await ended(id)).response_body.choices[0].text, tokens.join(''));
  });

  test('however its worker writes events', async () => {
    const text = 'data:tight\n\ndata: loose\r\n\r\n: a comment\n\nevent: token\nid: 7\nretry: 5\ndata:  spaced\n\ndata: a\ndata: b\n\ndata: Grüße 🚂\n\ndata: [DONE]\n\n';
    const bytes = Buffer.from(text);
    const worker = await crew.start();
    const pieces = (size) => Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
    for (const size of [1, 3, 7, bytes.length]) {
      worker.next({ raw: pieces(size), tokenDelayMs: 0 });
      const r = await readJob(daemon, await makeJob(daemon, { model: worker.model }));
      assert.deepEqual(tokensOf(r.text), ['tight', 'loose', ' spaced', 'a\nb', 'Grüße 🚂'], `in pieces of ${size}`);
      assert.equal(dones(r.text), 1);
    }
  });

  test('has as many readers as come, early and late', async () => {
    const worker = await crew.start({ always: { stallAfter: 2 } });
    const id = await makeJob(daemon, { model: worker.model });
    const first = openJob(daemon, id);
    await until('two tokens', () => tokensOf(first.text).length === 2);
    const second = openJob(daemon, id);
    await until('the second has them too', () => jobText(second.text) === sentence(2), { seen: () => second.text });
    const leaver = openJob(daemon, id);
    await leaver.firstByte;
    leaver.abort();
    worker.release();
    for (const reader of [first, second]) expectJobText(await within('the stream ends', reader.done), sentence(4));
    assert.equal((await ended(id)).status, 'completed', 'a reader that leaves ends nothing');
    for (let i = 0; i < 2; i++) expectJobText(await readJob(daemon, id), sentence(4));
    assert.equal(worker.requests.length, 1);
  });

  test('runs though nobody reads it', async () => {
    const worker = await crew.start();
    const id = await makeJob(daemon, { model: worker.model });
    assert.equal((await ended(id)).response_body.choices[0].text, sentence(4));
  });

  test('a long one: a late reader gets all of it', async () => {
    const tokens = Array.from({ length: 3000 }, (_, i) => ` word${i}`);
    const worker = await crew.start({ always: { tokens, tokenDelayMs: 0 } });
    const id = await makeJob(daemon, { model: worker.model, max_tokens: 3000 });
    await ended(id);
    expectJobText(await readJob(daemon, id), tokens.join(''));
  });
});

describe('the end of a job', () => {
  test('cancelled while it runs: the worker is hung up on, its readers are told', async () => {
    const worker = await crew.start({ always: { stallAfter: 1 } });
    const id = await makeJob(daemon, { model: worker.model });
    const reader = openJob(daemon, id);
    await until('a token is here', () => tokensOf(reader.text).length === 1);
    assert.deepEqual(expectOk(await dropJob(daemon, id)).json, { job_id: id, status: 'cancelled' });
    await worker.ended(worker.requests[0], 'aborted');
    const r = await within('the reader\'s stream ends', reader.done);
    expectJobError(r, 'task_cancelled');
    assert.equal((await daemon.task(id)).status, 'cancelled');
    assert.deepEqual(expectOk(await dropJob(daemon, id)).json, { job_id: id, status: 'cancelled' }, 'once more changes nothing');
    expectJobError(await readJob(daemon, id), 'task_cancelled');
    await daemon.idle();
  });

  test('cancelled while it waits: no worker hears of it', async () => {
    const worker = await crew.start({ always: { hold: 'stream' } });
    const [running, waiting] = [await makeJob(daemon, { model: worker.model, prompt: 'one' }), await makeJob(daemon, { model: worker.model, prompt: 'two' })];
    await worker.arrived(1);
    const reader = openJob(daemon, waiting);
    assert.equal(expectOk(await dropJob(daemon, waiting)).json.status, 'cancelled');
    expectJobError(await within('the reader is told', reader.done), 'task_cancelled');
    worker.release();
    await ended(running);
    await daemon.idle();
    assert.deepEqual(worker.prompts, ['one']);
  });

  test('cancelled as a task; one that is over stays as it is', async () => {
    const worker = await crew.start();
    worker.next({ hold: 'stream' });
    const id = await makeJob(daemon, { model: worker.model });
    await worker.arrived(1);
    expectOk(await daemon.send({ method: 'DELETE', path: `${TASKS}/${id}` }));
    await worker.ended(worker.requests[0], 'aborted');
    const over = await makeJob(daemon, { model: worker.model });
    await ended(over);
    assert.deepEqual(expectOk(await dropJob(daemon, over)).json, { job_id: over, status: 'completed' });
  });

  test('nobody for the model: the stream says so at once, with a hint', async () => {
    for (const model of ['nobody-has-this', 'meta-llama/Nobody-8b']) {
      const r = await readJob(daemon, await makeJob(daemon, { model }));
      expectJobError(r, 'no_backend', { message: /heartbeat/i });
      assert.deepEqual(tokensOf(r.text), []);
    }
    const worker = await crew.start();
    await worker.say('stopped');
    const id = await makeJob(daemon, { model: worker.model });
    expectJobError(await readJob(daemon, id), 'no_backend', { message: /heartbeat/i });
    const row = await ended(id);
    assert.deepEqual([row.status, row.error.code, row.attempts], ['error', 'no_backend', 0]);
    assert.equal(worker.requests.length, 0);
  });
});

describe('what is refused', () => {
  test('operations and members, by name', async () => {
    const good = { operation: 'infer', model: 'echo', prompt: 'x' };
    const cases = [
      ...[undefined, null, '', 'sing', 'INFER', 7, {}].map((v) => ['operation', v]),
      ...[undefined, null, '', 7, {}, [], 'two words', 'x'.repeat(129), 'x'.repeat(9e6)].map((v) => ['model', v]),
      ...[undefined, null, 7, {}].map((v) => ['prompt', v]),
      ...['max_tokens', 'top_k'].flatMap((k) => ['9', 1.5, {}, true].map((v) => [k, v])),
      ...['temperature', 'top_p'].flatMap((k) => ['hot', {}, true].map((v) => [k, v])),
      ...[7, {}, []].map((v) => ['session', v]),
    ];
    const before_ = (await daemon.tasks()).length;
    for (const [name, value] of cases) expectError(await daemon.post(JOBS, { ...good, [name]: value }), 'invalid_request', { param: name }, `${name}: ${JSON.stringify(value)?.slice(0, 60)}`);
    for (const body of ['', '{"operation":', '[]', '"infer"']) expectError(await daemon.post(JOBS, body), 'invalid_json', {}, body);
    expectError(await daemon.post(JOBS, good, { 'Content-Type': 'text/plain' }), 'unsupported_media_type');
    expectError(await daemon.post(JOBS, good, { 'X-Signalbox-Priority': 'urgent' }), 'invalid_priority');
    assert.equal((await daemon.tasks()).length, before_, 'no task came of any');
    for (const [method, path, allow] of [['GET', JOBS, /POST/], ['PUT', JOBS, /POST/], ['POST', `${JOBS}/${NOBODY}`, /DELETE/], ['POST', `${JOBS}/${NOBODY}/stream`, /GET/]]) {
      const r = await daemon.send({ method, path, ...(method === 'GET' ? {} : { body: {} }) });
      expectError(r, 'method_not_allowed', {}, `${method} ${path}`);
      assert.match(r.headers.allow, allow);
    }
  });

  test('ids that are none', async () => {
    for (const id of [NOBODY, 'nonsense', 'x'.repeat(300)]) {
      expectError(await daemon.get(`${JOBS}/${id}/stream`), 'job_not_found', {}, id);
      expectError(await dropJob(daemon, id), 'job_not_found', {}, id);
    }
  });
});

describe('the queue', () => {
  test('all busy: it waits its turn, by class', async () => {
    const worker = await crew.start();
    worker.next({ hold: 'stream' });
    const ids = [await makeJob(daemon, { model: worker.model, prompt: 'first' })];
    await worker.arrived(1);
    for (const priority of ['background', 'workflow', 'interactive']) ids.push(await makeJob(daemon, { model: worker.model, prompt: priority }, { 'X-Signalbox-Priority': priority }));
    for (const id of ids.slice(1)) await pending(id);
    assert.deepEqual((await Promise.all(ids.slice(1).map((id) => daemon.task(id)))).map((t) => t.priority), ['background', 'workflow', 'interactive']);
    const readers = ids.map((id) => openJob(daemon, id));
    worker.release();
    for (const reader of readers) expectJobText(await within('its turn came', reader.done), sentence(4));
    assert.deepEqual(worker.prompts, ['first', 'interactive', 'workflow', 'background']);
    assert.equal(worker.maxInFlight, 1);
  });

  test('Idempotency-Key: the same job, once; another body is refused', async () => {
    const worker = await crew.start();
    const key = { 'Idempotency-Key': crypto.randomUUID() };
    const id = await makeJob(daemon, { model: worker.model }, key);
    assert.equal(await makeJob(daemon, { model: worker.model }, key), id);
    expectJobText(await readJob(daemon, id), sentence(4));
    assert.equal(await makeJob(daemon, { model: worker.model }, key), id, 'also when it is over');
    expectError(await askJob(daemon, { model: worker.model, prompt: 'something else' }, key), 'idempotency_key_reused');
    assert.equal(worker.requests.length, 1);
  });

  test('several sessions and sizes at once: each gets its own words', async () => {
    const worker = await crew.start({ capacity: 4, always: (record) => ({ tokens: [record.body?.prompt ?? '', ...words(3)] }) });
    const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => makeJob(daemon, { model: worker.model, prompt: `mine ${i} `, session: `s${i % 3}` })));
    const all = await Promise.all(ids.map((id) => readJob(daemon, id)));
    all.forEach((r, i) => expectJobText(r, `mine ${i} ${sentence(3)}`));
  });
});

describe('on every kind of backend', () => {
  test('an upstream, by its name and its model', async () => {
    for (const model of ['up', 'up-model']) {
      const id = await makeJob(daemon, { model, prompt: 'to the upstream', max_tokens: 3, temperature: 0.5 });
      const r = await readJob(daemon, id);
      expectJobText(r, sentence(3));
      assert.deepEqual(tokensOf(r.text).filter((t) => t !== ''), words(3), 'a token an event');
      assert.equal((await ended(id)).claimed_by, 'up');
    }
    const { path, body } = up.requests[0];
    assert.equal(path, '/v1/completions');
    assert.deepEqual([body.model, body.prompt, body.max_tokens, body.temperature], ['up-model', 'to the upstream', 3, 0.5]);
    assert.ok(!('operation' in body) && !('session' in body), JSON.stringify(body));
  });

  test('echo says what it says to a completion', async () => {
    const plain = expectOk(await daemon.post('/v1/completions', { model: 'echo', prompt: 'one two three' })).json.choices[0].text;
    expectJobText(await readJob(daemon, await makeJob(daemon, { model: 'echo', prompt: 'one two three' })), plain);
  });

  test('a bound worker', async () => {
    const worker = await bound.start();
    const id = await makeJob(daemon, { model: worker.llms[0].name, prompt: 'to the bound one' });
    expectJobText(await readJob(daemon, id), sentence(4));
    const [job] = worker.jobs;
    assert.deepEqual([job.task, job.kind, job.streaming, job.request.prompt], [id, 'completion', true, 'to the bound one']);
  });

  test('an upstream\'s error is the job\'s', async () => {
    up.always = { status: 400, body: { error: { message: 'too long a prompt' } } };
    expectJobError(await readJob(daemon, await makeJob(daemon, { model: 'up' })), 'backend_error', { backend_status: 400, message: /too long a prompt/ });
  });
});

test('kill -9: what was running and what was waiting runs afterwards', { timeout: 90_000 }, async () => {
  const own = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 5 } } });
  const team = new PushCrew(() => own);
  try {
    const worker = await team.start();
    const done = await makeJob(own, { model: worker.model, prompt: 'done' });
    expectJobText(await readJob(own, done), sentence(4));
    worker.always = { stallAfter: 2 };
    const running = await makeJob(own, { model: worker.model, prompt: 'running' });
    const reader = openJob(own, running);
    await until('it speaks', () => tokensOf(reader.text).length === 2);
    const waiting = await makeJob(own, { model: worker.model, prompt: 'waiting' });
    await own.kill();
    assert.equal((await within('the reader notices', reader.done)).ended, 'cut');
    await worker.ended(worker.requests[1], 'aborted');
    worker.always = {};
    await own.start();
    for (const id of [done, running, waiting]) {
      expectJobText(await readJob(own, id), sentence(4));
      assert.equal((await own.task(id)).status, 'completed');
    }
    assert.equal((await own.task(running)).attempts, 2);
    assert.deepEqual(worker.prompts, ['done', 'running', 'running', 'waiting']);
  } finally {
    await team.end();
    await own.stop();
  }
});

test('owners: another\'s job is not there; grants lift that', async () => {
  const secret = {};
  const key = (id, more = {}) => {
    secret[id] = crypto.randomBytes(16).toString('hex');
    return { id, owner: id, sha256: crypto.createHash('sha256').update(secret[id]).digest('hex'), ...more };
  };
  const as = (id) => ({ Authorization: `Bearer ${secret[id]}` });
  const own = await startDaemon({ config: { echo: { token_delay_ms: 1 }, auth: { mode: 'keys', keys: [key('alice'), key('bob'), key('viewer', { grants: ['tasks:view'] })] } } });
  try {
    expectError(await askJob(own, { model: 'echo' }), 'unauthorized');
    expectError(await askJob(own, { model: 'echo' }, as('viewer')), 'forbidden');
    const id = await makeJob(own, { model: 'echo' }, as('alice'));
    const mine = await readJob(own, id, as('alice'));
    assert.equal(dones(mine.text), 1);
    expectError(await own.get(`${JOBS}/${id}/stream`, as('bob')), 'job_not_found');
    expectError(await dropJob(own, id, as('bob')), 'job_not_found');
    expectError(await own.get(`${JOBS}/${id}/stream`), 'unauthorized');
    const foreign = (await own.get(`${JOBS}/${id}/stream`, as('bob'))).json.error;
    const unknown = (await own.get(`${JOBS}/${NOBODY}/stream`, as('bob'))).json.error;
    assert.deepEqual({ ...foreign, request_id: '' }, { ...unknown, request_id: '' }, 'the same words as for an id that never was');
    expectJobText(await readJob(own, id, as('viewer')), jobText(mine.text));
    assert.equal(expectOk(await own.get(`${TASKS}/${id}`, as('alice'))).json.owner, 'alice');
    expectError(await own.get(`${TASKS}/${id}`, as('bob')), 'task_not_found');
  } finally {
    await own.stop();
  }
});
