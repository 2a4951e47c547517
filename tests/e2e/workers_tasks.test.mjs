// Bound workers behind the OpenAI routes: plain and streamed answers, errors and retries, order and capacity, cancel.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, expectTaskHeaders } from './support/expect.mjs';
import { events, isDone, spoken, streamError } from './support/http.mjs';
import { answers, bodyOf, chunkOf, Crew } from './support/worker.mjs';
import { sentence, word } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
let daemon;
const crew = new Crew(() => daemon);
before(async () => {
  daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 }, tasks: { max_attempts: 2 } } });
});
after(() => daemon?.stop());
afterEach(() => crew.end());

const enqueue = async (llm, content = 'hi', more = {}) => {
  const r = await daemon.post(TASKS, { llm, request: { messages: [{ role: 'user', content }] }, ...more });
  assert.equal(r.status, 201, r.text);
  return r.json.id;
};
const ended = (id) => daemon.taskWhen(id, 'ended', (t) => ['completed', 'error', 'cancelled'].includes(t.status));

describe('answers', () => {
  test('a plain chat by LLM, model and pool: the frame, the body, the headers, the row', async () => {
    const pool = crew.name('pool');
    const worker = await crew.start({ pool, tier: 'small' });
    const [{ name, model }] = worker.llms;
    for (const [i, named] of [name, pool, model].entries()) {
      const r = expectOk(await daemon.chat({ model: named, temperature: 0.3 }, { 'X-Signalbox-Inference-S': '33' }), named);
      const job = worker.jobs[i];
      assert.deepEqual(Object.keys(job.frame).sort(), ['attempt', 'inference_s', 'kind', 'llm', 'model', 'request', 'streaming', 'task']);
      assert.deepEqual(job.frame, {
        task: r.headers['x-signalbox-task'], llm: name, model, kind: 'chat', streaming: false, inference_s: 33, attempt: 1,
        request: { model, messages: [{ role: 'user', content: 'hi' }], temperature: 0.3 },
      });
      assert.deepEqual(r.json, bodyOf(job, sentence(4)));
      expectTaskHeaders(r, { profile: `openai_compat:${pool}`, priority: 'workflow', backend: name, attempts: '1' });
      const row = await daemon.task(job.task);
      assert.deepEqual([row.status, row.claimed_by, row.attempts, row.pool, row.tier], ['completed', worker.session, 1, pool, 'small']);
      assert.deepEqual(row.response_body, r.json);
    }
    assert.deepEqual(worker.results.map((x) => x.status), [200, 200, 200]);
  });

  test('a streamed chat: the chunks as they come, byte for byte, then [DONE]', async () => {
    const worker = await crew.start({ always: answers.words(4, { stallAfter: 2 }) });
    const call = daemon.openChat({ model: worker.llms[0].name, stream: true });
    const job = await worker.job();
    assert.equal(job.streaming, true);
    await until('two words are here before the rest is made', () => spoken(call.text) === sentence(2), { seen: () => call.text });
    job.release();
    const r = expectOk(await within('the stream ends', call.done));
    assert.equal(r.headers['content-type'], 'text/event-stream');
    expectTaskHeaders(r, { backend: worker.llms[0].name, attempts: '1' });
    const sent = [...Array.from({ length: 4 }, (_, i) => chunkOf(job, word(i))), chunkOf(job, '', 'length'), '[DONE]'];
    assert.deepEqual(events(r.text).filter((e) => e.data).map((e) => e.data), sent);
    const row = await ended(job.task);
    assert.equal(row.response_body.choices[0].message.content, sentence(4));
    assert.equal(row.response_body.choices[0].finish_reason, 'length');
  });

  test('several chunks in one post, and odd text in them', async () => {
    const worker = await crew.start({ always: answers.nothing() });
    const call = daemon.openChat({ model: worker.llms[0].name, stream: true });
    const job = await worker.job();
    const words = ['Grüße ', '日本 ', '🚂 ', '"quoted\\" ', 'new\nline '];
    assert.equal((await job.chunks(words.slice(0, 3).map((w) => chunkOf(job, w)))).status, 200);
    assert.equal((await job.chunks(words.slice(3).map((w) => chunkOf(job, w)))).status, 200);
    assert.equal((await job.done()).status, 200);
    const r = await within('the stream ends', call.done);
    assert.equal(spoken(r.text), words.join(''));
    assert.equal((await ended(job.task)).response_body.choices[0].message.content, words.join(''));
  });

  test('completions and embeddings; infer, which fails fast', async () => {
    const worker = await crew.start();
    const [{ name, model }] = worker.llms;
    const completion = expectOk(await daemon.post('/v1/completions', { model: name, prompt: 'once' }));
    assert.equal(completion.json.choices[0].text, sentence(4));
    const embedding = expectOk(await daemon.post('/v1/embeddings', { model: name, input: ['a', 'bcd'] }));
    assert.deepEqual(embedding.json.data.map((d) => d.embedding[0]), [1, 3]);
    expectTaskHeaders(embedding, { profile: `embeddings:${model}`, priority: 'background', backend: name });
    assert.deepEqual(worker.jobs.map((j) => j.kind), ['completion', 'embedding']);
    assert.equal(expectOk(await daemon.post(`/api/v1/llms/${name}/infer`, { messages: [{ role: 'user', content: 'x' }] })).json.choices[0].message.content, sentence(4));
    const streamed = expectOk(await daemon.post('/v1/completions', { model: name, prompt: 'once', stream: true }));
    assert.equal(spoken(streamed.text), sentence(4));
    worker.kill();
    // Not by calls: one that came before the loss is seen waits for the worker's return, as it should.
    await until('the loss is seen', async () => (await daemon.json(`/api/v1/llms/${name}`)).status === 'inactive');
    expectError(await daemon.post(`/api/v1/llms/${name}/infer`, { messages: [] }), 'no_backend');
  });

  test('what comes with no worker bound waits, and binding brings it its answer', async () => {
    const worker = crew.hire({});
    await worker.register();
    const call = daemon.openChat({ model: worker.llms[0].name }, { 'X-Signalbox-Queue-Wait-S': '20' });
    const id = await enqueue(worker.llms[0].name);
    await until('both wait', async () => (await daemon.tasks(`&llm=${worker.llms[0].name}&status=pending`)).length === 2);
    await worker.bind();
    assert.equal(expectOk(await within('the waiting call is answered', call.done)).json.choices[0].message.content, sentence(4));
    assert.equal((await ended(id)).status, 'completed');
  });
});

describe('errors', () => {
  test('{error}: not tried again unless it says retryable', async () => {
    const worker = await crew.start();
    const [{ name }] = worker.llms;
    worker.next(answers.fail('out of memory'));
    const once = await daemon.chat({ model: name });
    expectError(once, 'backend_error', { status: 502, message: /out of memory/ });
    assert.equal(worker.jobs.length, 1);
    assert.equal(once.headers['x-signalbox-attempts'], '1');
    worker.next(answers.fail('busy', true));
    const second = expectOk(await daemon.chat({ model: name }));
    assert.equal(second.headers['x-signalbox-attempts'], '2');
    assert.deepEqual(worker.jobs.slice(1).map((j) => j.attempt), [1, 2]);
    worker.next(answers.fail('busy', true), answers.fail('still busy', true));
    const id = await enqueue(name);
    const row = await ended(id);
    assert.deepEqual([row.status, row.attempts, row.error.code], ['error', 2, 'backend_error']);
    assert.match(row.error.message, /still busy/);
  });

  test('a status of 4xx is the answer, 429 and 5xx are tried again', async () => {
    const worker = await crew.start();
    const [{ name }] = worker.llms;
    const body = { error: { message: 'context length exceeded', type: 'invalid', code: 'too_long' } };
    worker.next(answers.status(400, body));
    expectError(await daemon.chat({ model: name }), 'backend_error', { status: 400, backend_status: 400, backend_body: body, message: /context length exceeded/ });
    assert.equal(worker.jobs.length, 1, 'not tried again');
    for (const status of [429, 500, 503]) {
      worker.next(answers.status(status, { error: { message: 'not now' } }));
      assert.equal(expectOk(await daemon.chat({ model: name }), `${status}, then good`).headers['x-signalbox-attempts'], '2');
    }
    worker.next(answers.status(500, body), answers.status(503, body));
    expectError(await daemon.chat({ model: name }), 'backend_error', { status: 502, backend_status: 503 });
  });

  test('an error after the first chunk ends the stream with an error event, without [DONE]', async () => {
    const worker = await crew.start({ always: async (job) => { await job.say(word(0)); await job.fail('the card fell off', true); } });
    const r = expectOk(await daemon.chat({ model: worker.llms[0].name, stream: true }));
    assert.equal(spoken(r.text), word(0));
    assert.ok(streamError(r.text), r.text);
    assert.ok(['backend_stream_failed', 'backend_error'].includes(streamError(r.text).code), r.text);
    assert.equal(isDone(r.text), false);
    assert.equal(worker.jobs.length, 1, 'a caller who had bytes is not started over');
  });

  test('bad posts: told, and the task can still be finished', async () => {
    const worker = await crew.start({ always: answers.nothing() });
    const id = await enqueue(worker.llms[0].name, 'x', { request: { messages: [], stream: true } });
    const job = await worker.job();
    for (const body of [{}, { data: 7 }, { chunks: 'x' }, { chunks: [1] }]) expectError(await job.post('chunk', body), 'invalid_request', {}, JSON.stringify(body));
    for (const body of [{}, { status: 'ok' }, { status: 99, body: {} }, { error: 'text' }, { done: false }]) expectError(await job.post('result', body), 'invalid_request', {}, JSON.stringify(body));
    expectError(await job.post('result', '{"status":'), 'invalid_json');
    assert.equal((await job.say('good')).status, 200);
    assert.equal((await job.done()).status, 200);
    assert.equal((await ended(id)).response_body.choices[0].message.content, 'good');
  });

  test('a repeated result is told it is a duplicate; another body does not replace the first', async () => {
    const worker = await crew.start({ always: answers.nothing() });
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    const first = expectOk(await job.answer('the first'));
    assert.notEqual(first.json?.duplicate, true);
    const row = await daemon.task(id);
    assert.equal(row.status, 'completed', '200 only once it is durable');
    assert.deepEqual(expectOk(await job.answer('the first')).json, { duplicate: true });
    const other = await job.answer('the second');
    assert.ok((other.status === 200 && other.json.duplicate === true) || other.status === 409, other.text);
    assert.notEqual((await job.say('more')).status, 200, 'no chunk after the end');
    assert.deepEqual(await daemon.task(id), row, 'the first body is kept');
  });

  test('a task that was never this worker\'s', async () => {
    const [worker, other] = [await crew.start({ always: answers.nothing() }), await crew.start()];
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    for (const [kind, body] of [['chunk', { data: chunkOf(job, 'x') }], ['result', { status: 200, body: bodyOf(job, 'stolen') }]]) {
      expectError(await other.post(`/tasks/${id}/${kind}`, body), 'stale_claim', {}, kind);
      const unknown = await worker.post(`/tasks/01890000-0000-7000-8000-000000000000/${kind}`, body);
      assert.ok([404, 409].includes(unknown.status), unknown.text);
    }
    expectOk(await job.answer('mine'));
    assert.equal((await ended(id)).response_body.choices[0].message.content, 'mine');
  });
});

describe('capacity and order', () => {
  test('binding drains by capacity: never more in flight than it can take', async () => {
    const worker = crew.hire({ capacity: 3, always: answers.words(1, { stallAfter: 0 }) });
    await worker.register();
    const ids = [];
    for (let i = 0; i < 12; i++) ids.push(await enqueue(worker.llms[0].name, `n${i}`));
    await worker.bind();
    for (let done = 0; done < 12; done += 3) {
      const now = (await worker.given(done + 3)).slice(done);
      assert.equal(worker.held.size, 3);
      await until('the list shows three in flight', async () => (await daemon.tasks(`&llm=${worker.llms[0].name}&status=claimed&status=running`)).length === 3);
      assert.equal(worker.held.size, 3);
      for (const job of now) job.release();
    }
    for (const id of ids) assert.equal((await ended(id)).status, 'completed');
    // Those that are sent at once are on their way side by side: their order is that of their turns only.
    const sent = worker.jobs.map((j) => Number(j.content.slice(1)));
    const inTurns = [0, 3, 6, 9].flatMap((first) => sent.slice(first, first + 3).sort((a, b) => a - b));
    assert.deepEqual(inTurns, Array.from({ length: 12 }, (_, i) => i), 'first come, first served');
    assert.equal(worker.maxHeld, 3);
  });

  test('by class, and first come first served inside one', async () => {
    const worker = crew.hire({});
    await worker.register();
    const asked = ['background', 'workflow', 'interactive', 'background', 'workflow', 'interactive'];
    for (const [i, priority] of asked.entries()) await enqueue(worker.llms[0].name, `${priority} ${i}`, { priority });
    await worker.bind();
    const jobs = await worker.given(6);
    assert.deepEqual(jobs.map((j) => j.content), ['interactive 2', 'interactive 5', 'workflow 1', 'workflow 4', 'background 0', 'background 3']);
  });

  test('siblings share a pool\'s backlog by capacity', async () => {
    const pool = crew.name('pool');
    const [big, small] = [crew.hire({ pool, capacity: 3, always: answers.hold(1) }), crew.hire({ pool, capacity: 1, always: answers.hold(1) })];
    for (const w of [big, small]) await w.register();
    const ids = [];
    for (let i = 0; i < 8; i++) ids.push(await enqueue(i % 2 ? big.llms[0].name : small.llms[0].name));
    for (const w of [big, small]) await w.bind();
    await until('both are full', () => big.held.size === 3 && small.held.size === 1, { seen: () => [big.held.size, small.held.size] });
    for (const w of [big, small]) { w.always = answers.words(1); w.release(); }
    for (const id of ids) assert.equal((await ended(id)).status, 'completed');
    assert.deepEqual([big.maxHeld, small.maxHeld], [3, 1]);
    assert.equal(new Set([...big.jobs, ...small.jobs].map((j) => j.task)).size, 8, 'each ran once');
    assert.equal(big.jobs.length + small.jobs.length, 8);
  });

  test('with a live but busy worker a fail-fast call queues', async () => {
    const worker = await crew.start({ always: answers.hold(1) });
    const first = daemon.openChat({ model: worker.llms[0].name });
    await worker.job();
    const second = daemon.open({ path: `/api/v1/llms/${worker.llms[0].name}/infer`, body: { messages: [{ role: 'user', content: 'x' }] } });
    await until('it waits', async () => (await daemon.tasks(`&llm=${worker.llms[0].name}&status=pending`)).length === 1);
    worker.always = answers.words(1);
    worker.release();
    expectOk(await within('first', first.done));
    expectOk(await within('second', second.done));
  });
});

describe('cancel', () => {
  const cancelled = async (worker, id, freed) => {
    await until('the worker is told', () => worker.cancels.includes(id), { seen: () => worker.cancels });
    expectError(await freed.say('late'), 'stale_claim');
    expectError(await freed.answer('late'), 'stale_claim');
    worker.always = answers.words(1);
    expectOk(await daemon.chat({ model: worker.llms[0].name }), 'its room is free again');
  };
  for (const stream of [false, true]) {
    test(`a caller who hangs up (${stream ? 'in mid-stream' : 'plain'})`, async () => {
      const worker = await crew.start({ always: answers.words(4, { stallAfter: stream ? 2 : 0 }) });
      const call = daemon.openChat({ model: worker.llms[0].name, stream });
      const job = await worker.job();
      if (stream) await until('two words', () => spoken(call.text) === sentence(2));
      call.abort();
      await cancelled(worker, job.task, job);
      assert.equal((await daemon.task(job.task)).status, 'cancelled');
    });
  }
  test('DELETE of the task', async () => {
    const worker = await crew.start({ always: answers.hold() });
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    assert.equal(expectOk(await daemon.send({ method: 'DELETE', path: `${TASKS}/${id}` })).json.status, 'cancelled');
    await cancelled(worker, id, job);
    assert.equal((await daemon.task(id)).status, 'cancelled');
  });
  test('the inference budget ends', async () => {
    const worker = await crew.start({ always: answers.hold() });
    const r = await daemon.chat({ model: worker.llms[0].name }, { 'X-Signalbox-Inference-S': '0.4' });
    expectError(r, 'inference_timeout', { inference_s: 0.4 });
    await cancelled(worker, r.headers['x-signalbox-task'], worker.jobs[0]);
  });
});
