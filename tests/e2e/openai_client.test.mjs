// The official OpenAI client drives the daemon with a real llama.cpp behind it: an app changes its base URL and nothing else.
// Two slots on the LLM server; answers are exactly max_tokens long (see support/tiny-gguf.mjs).
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { startDaemon } from './support/daemon.mjs';
import { expectOnTime, ms } from './support/expect.mjs';
import { startLlmServer } from './support/llm-server.mjs';
import { SOON, until } from './support/wait.mjs';

const PROFILE = 'openai_compat:tiny';
const user = (content) => [{ role: 'user', content }];

describe('the official client on a real LLM', { timeout: 180_000 }, () => {
  let llm, daemon, client;
  const options = (headers) => ({ headers });
  const freed = () => daemon.profileWhen(PROFILE, 'nothing in flight', (p) => p.in_flight === 0);

  before(async () => {
    llm = await startLlmServer({ slots: 2 });
    await llm.ready();
    daemon = await startDaemon({ config: { upstreams: [{ name: 'local', type: 'llamacpp', url: llm.url, discover: true, capacity: 2 }], echo: { enabled: false } } });
    client = new OpenAI({ baseURL: `${daemon.base}/v1`, apiKey: 'any', maxRetries: 0 });
    await until('the model is discovered', async () => (await client.models.list()).data.some((m) => m.id === 'tiny'), { within: 20_000 });
  });
  after(async () => {
    await daemon?.stop();
    await llm?.stop();
  });
  afterEach(async () => { if (daemon?.alive) await daemon.idle({ within: 15_000 }); });

  test('models: list and retrieve', async () => {
    const { data } = await client.models.list();
    const tiny = data.find((m) => m.id === 'tiny');
    assert.equal(tiny.object, 'model');
    const one = await client.models.retrieve('tiny');
    assert.equal(one.id, 'tiny');
    await assert.rejects(client.models.retrieve('nobody'), (e) => {
      assert.ok(e instanceof OpenAI.NotFoundError, `typed exception, got ${e}`);
      assert.equal(e.code, 'model_not_found');
      return true;
    });
  });

  test('chat: the answer, its usage, and our headers', async () => {
    const { data, response } = await client.chat.completions.create({ model: 'tiny', messages: user('hello there'), max_tokens: 24, seed: 7 }).withResponse();
    assert.equal(data.object, 'chat.completion');
    assert.equal(data.choices[0].finish_reason, 'length');
    assert.ok(data.choices[0].message.content.length > 24, `24 words of text, got ${JSON.stringify(data.choices[0].message)}`);
    assert.equal(data.choices[0].message.role, 'assistant');
    assert.equal(data.usage?.completion_tokens, 24, 'usage as the LLM server counts it');
    assert.equal(response.headers.get('x-signalbox-profile'), PROFILE);
    assert.equal(response.headers.get('x-signalbox-priority'), 'workflow');
    assert.equal(response.headers.get('x-signalbox-attempts'), '1');
    assert.ok(response.headers.get('x-signalbox-task'));
    assert.ok(response.headers.get('x-request-id'));
  });

  test('chat with a given seed says the same plain and streamed', async () => {
    const ask = { model: 'tiny', messages: user('the same words, please'), max_tokens: 20, seed: 42, temperature: 0 };
    const plain = await client.chat.completions.create(ask);
    const stream = await client.chat.completions.create({ ...ask, stream: true });
    let text = '';
    for await (const piece of stream) text += piece.choices[0]?.delta?.content ?? '';
    assert.equal(text, plain.choices[0].message.content);
  });

  test('stream: pieces come one by one, with usage when asked for', async () => {
    const { data: stream, response } = await client.chat.completions
      .create({ model: 'tiny', messages: user('tell me'), max_tokens: 200, stream: true, stream_options: { include_usage: true } }).withResponse();
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    const pieces = [];
    for await (const piece of stream) pieces.push(piece);
    const texts = pieces.filter((p) => p.choices[0]?.delta?.content);
    assert.ok(texts.length > 100, `one event per token, got ${texts.length} for 200 tokens`);
    assert.equal(pieces.find((p) => p.choices[0]?.finish_reason)?.choices[0].finish_reason, 'length');
    assert.equal(pieces.at(-1).usage.completion_tokens, 200);
    const id = response.headers.get('x-signalbox-task');
    const row = await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    assert.equal(row.streaming, true);
    assert.ok(row.stream_started_at, 'time of the first token kept');
  });

  test('text completion', async () => {
    const r = await client.completions.create({ model: 'tiny', prompt: 'once upon a time', max_tokens: 9 });
    assert.equal(r.object, 'text_completion');
    assert.equal(r.usage?.completion_tokens, 9);
    assert.ok(r.choices[0].text.length > 9);
  });

  test('embeddings: as numbers and as the base64 the client asks for itself', async () => {
    const { data, response } = await client.embeddings.create({ model: 'tiny', input: ['one text', 'another', 'one text'] }).withResponse();
    assert.equal(data.data.length, 3);
    assert.equal(data.data[0].embedding.length, 128);
    assert.deepEqual(data.data[0].embedding, data.data[2].embedding, 'the same text, the same vector');
    assert.notDeepEqual(data.data[0].embedding, data.data[1].embedding);
    assert.equal(response.headers.get('x-signalbox-priority'), 'background', 'embeddings are background unless told otherwise');
    assert.equal(response.headers.get('x-signalbox-profile'), 'embeddings:tiny');
    const floats = await client.embeddings.create({ model: 'tiny', input: 'one text', encoding_format: 'float' });
    floats.data[0].embedding.forEach((x, i) => assert.ok(Math.abs(x - data.data[0].embedding[i]) < 1e-5));
  });

  test('errors are the client\'s own exceptions', async () => {
    await assert.rejects(client.chat.completions.create({ model: 'nobody', messages: user('x') }), (e) => {
      assert.ok(e instanceof OpenAI.NotFoundError, `NotFoundError, got ${e}`);
      assert.deepEqual([e.status, e.code, e.type], [404, 'model_not_found', 'invalid_request_error']);
      assert.equal(e.requestID, e.error.request_id, 'the id in the body is the one in the header');
      return true;
    });
    await assert.rejects(client.chat.completions.create({ model: 'tiny', messages: user('x'), max_tokens: 100_000 }), (e) => {
      assert.ok(e instanceof OpenAI.BadRequestError, `the LLM server's 400 as BadRequestError, got ${e}`);
      assert.equal(e.code, 'backend_error');
      assert.equal(e.error.source, 'backend');
      assert.equal(e.error.backend_status, 400);
      assert.match(e.error.message, /exceeds the available context size/);
      assert.equal(e.error.backend_body.error.type, 'exceed_context_size_error');
      return true;
    });
    await assert.rejects(client.chat.completions.create({ model: 'tiny', messages: user('x') }, options({ 'X-Signalbox-Priority': 'urgent' })), (e) => {
      assert.ok(e instanceof OpenAI.BadRequestError, `BadRequestError, got ${e}`);
      assert.equal(e.code, 'invalid_priority');
      return true;
    });
  });

  test('a full queue is a RateLimitError with Retry-After', async () => {
    const profile = 'full-house';
    await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 1, max_queued: 1 });
    const into = options({ 'X-Signalbox-Profile': profile });
    const long = (max_tokens) => client.chat.completions.create({ model: 'tiny', messages: user('long'), max_tokens, stream: true }, into);
    const holder = await long(3800);
    const waiter = long(5);
    await daemon.profileWhen(profile, 'one runs, one waits', (p) => p.in_flight === 1 && p.waiting.workflow === 1);
    await assert.rejects(long(5), (e) => {
      assert.ok(e instanceof OpenAI.RateLimitError, `RateLimitError, got ${e}`);
      assert.equal(e.code, 'queue_full');
      assert.deepEqual([e.error.profile, e.error.priority, e.error.max_queued], [profile, 'workflow', 1]);
      const after = e.headers.get('retry-after');
      assert.match(after ?? '', /^\d+$/);
      assert.ok(+after >= 1 && +after <= 60, `Retry-After ${after}`);
      return true;
    });
    holder.controller.abort();
    const pieces = [];
    for await (const piece of await waiter) pieces.push(piece);
    assert.ok(pieces.some((p) => p.choices[0]?.finish_reason), 'the one that waited had its turn');
  });

  test('an abandoned stream frees its slot, and the neighbour goes on', async () => {
    const before_ = (await llm.stats()).aborted;
    const ask = { model: 'tiny', messages: user('talk'), max_tokens: 3800, stream: true };
    const leaver = await client.chat.completions.create(ask, options({ 'X-Signalbox-Description': 'the leaver' }));
    const neighbour = client.chat.completions.create({ ...ask, max_tokens: 600 });
    for await (const piece of leaver) if (piece.choices[0]?.delta?.content) break;          // leaving the loop aborts the request
    await until('the LLM server saw the caller leave', async () => (await llm.stats()).aborted === before_ + 1);
    await daemon.callsWhen('the leaver', 'cancelled', { test: (c) => c.status === 'cancelled' });
    let tokens = 0, finish;
    for await (const piece of await neighbour) {
      if (piece.choices[0]?.delta?.content) tokens++;
      finish ??= piece.choices[0]?.finish_reason;
    }
    assert.equal(finish, 'length', 'the neighbour came to its end');
    assert.ok(tokens > 300, `the neighbour had all its tokens, got ${tokens} events for 600`);
    await freed();
    assert.equal((await llm.stats()).processing, 0);
  });

  test('an abandoned plain call stops the LLM too', async () => {
    const before_ = (await llm.stats()).aborted;
    const controller = new AbortController();
    const call = client.chat.completions.create({ model: 'tiny', messages: user('talk'), max_tokens: 3800 }, { signal: controller.signal });
    call.catch(() => {});
    await until('it runs', async () => (await llm.stats()).processing === 1, { every: 5 });
    controller.abort();
    await assert.rejects(call, (e) => e instanceof OpenAI.APIUserAbortError);
    await until('the LLM server saw it', async () => (await llm.stats()).aborted === before_ + 1);
    await freed();
  });

  test('ten parallel calls on two slots: the queue waits are in the call rows', async (t) => {
    const description = 'ten on two';
    const startedAt = Date.now();
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.chat.completions
      .create({ model: 'tiny', messages: user('count'), max_tokens: 400 }, options({ 'X-Signalbox-Description': description })).withResponse()));
    const tookMs = Date.now() - startedAt;
    for (const a of answers) assert.equal(a.data.usage?.completion_tokens, 400);
    const rows = await daemon.callsWhen(description, 'ended', { count: 10 });
    for (const row of rows) {
      assert.equal(row.status, 'ok', JSON.stringify(row));
      assert.equal(row.profile, PROFILE);
      const wait = ms(row.admitted_at) - ms(row.queued_at);
      assert.ok(Math.abs(row.queue_wait_ms - wait) <= 2, `queue_wait_ms ${row.queue_wait_ms} is admitted_at - queued_at = ${wait}`);
      assert.ok(row.queue_wait_ms <= tookMs);
      assert.ok(row.service_time_ms > 0 && row.total_latency_ms >= row.service_time_ms, JSON.stringify(row));
    }
    const at = rows.map((r) => [ms(r.admitted_at), ms(r.finished_at)]).sort((a, b) => a[0] - b[0]);
    for (const [from] of at) {
      const running = at.filter(([a, b]) => a <= from && from < b).length;
      assert.ok(running <= 2, `at most two at once, ${running} at ${new Date(from).toISOString()}`);
    }
    assert.ok((await llm.stats()).maxProcessing <= 2, 'the LLM server never had more than its two slots in use');
    assert.equal((await llm.stats()).deferred, 0);
    const waits = rows.map((r) => r.queue_wait_ms).sort((a, b) => a - b);
    const service = rows.map((r) => r.service_time_ms).sort((a, b) => a - b)[0];
    assert.ok(waits[9] >= service * 3, `the last waited for about four turns of ${service} ms, it waited ${waits[9]} ms`);
    const told = answers.map((a) => Math.round(+a.response.headers.get('x-signalbox-queue-wait-ms'))).sort((a, b) => a - b);
    told.forEach((x, i) => assert.ok(Math.abs(x - waits[i]) <= 5, `the header tells the row's wait: ${told} / ${waits}`));
    t.diagnostic(`queue waits in ms: ${waits.join(' ')}; service ${Math.round(service)} ms`);
  });

  test('the client\'s retries get through a full queue by themselves', async () => {
    const profile = 'retry-me';
    await daemon.put(`/api/v1/profiles/${profile}`, { max_concurrent: 1, max_queued: 0 });
    const into = options({ 'X-Signalbox-Profile': profile });
    const holder = await client.chat.completions.create({ model: 'tiny', messages: user('x'), max_tokens: 3800, stream: true }, into);
    const patient = new OpenAI({ baseURL: `${daemon.base}/v1`, apiKey: 'any', maxRetries: 5 });
    const startedAt = Date.now();
    const answer = patient.chat.completions.create({ model: 'tiny', messages: user('x'), max_tokens: 3 }, into);
    await until('refused once', async () => (await daemon.profile(profile)).rejected_total >= 1);
    holder.controller.abort();
    assert.equal((await answer).usage?.completion_tokens, 3);
    expectOnTime(Date.now() - startedAt, 900, { slack: 62_000 + SOON, note: 'after Retry-After of at least 1 s' });
  });
});
