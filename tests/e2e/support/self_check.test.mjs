// The tests' own instruments, without the daemon: the scriptable upstream does what it is told, the real LLM server answers the
// official client, the YAML writer and the raw-socket reader are right. A failure here is never the daemon's.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { toYaml } from './daemon.mjs';
import { events, isDone, open, parseResponses, send, spoken, streamError, wire } from './http.mjs';
import { startMock } from './cli.mjs';
import { dones, jobText, tokensOf } from './job.mjs';
import { startLlmServer } from './llm-server.mjs';
import { event, PushCrew, words } from './push_worker.mjs';
import { sentence, startUpstream } from './upstream.mjs';
import { until } from './wait.mjs';

describe('the scriptable upstream', () => {
  let up;
  const ask = (body = {}) => ({ path: '/v1/chat/completions', body: { model: 'model-a', messages: [], ...body } });
  before(async () => { up = await startUpstream(); });
  after(() => up.stop());

  test('answers plain and streamed calls and keeps their bytes', async () => {
    const plain = await send(up.port, { ...ask(), headers: { 'X-Odd': 'kept' } });
    assert.equal(plain.json.choices[0].message.content, sentence(4));
    assert.equal(up.requests[0].headers['x-odd'], 'kept');
    const stream = await send(up.port, ask({ stream: true, max_tokens: 2 }));
    assert.equal(spoken(stream.text), sentence(2));
    assert.ok(isDone(stream.text));
    assert.equal(stream.text, Buffer.concat(up.requests[1].sent).toString());
  });

  test('breaks off, stalls, forgets [DONE], sends errors, as told', async () => {
    await up.reset();
    up.next({ cut: 'head' }, { cut: 'body' }, { cut: 2 }, { noDone: true }, { errorEvent: 1 }, { status: 429, headers: { 'retry-after': '1' } });
    const stream = ask({ stream: true });
    assert.equal((await open(up.port, stream).done).ended, 'refused');
    const afterHead = await open(up.port, stream).done;
    assert.deepEqual([afterHead.status, afterHead.ended, afterHead.text], [200, 'cut', '']);
    const half = await open(up.port, stream).done;
    assert.deepEqual([half.ended, spoken(half.text)], ['cut', sentence(2)]);
    const polite = await send(up.port, stream);
    assert.deepEqual([isDone(polite.text), spoken(polite.text)], [false, sentence(4)]);
    assert.equal(streamError((await send(up.port, stream)).text).code, 500);
    assert.equal((await send(up.port, stream)).status, 429);
  });

  test('sees that its caller has gone', async () => {
    await up.reset();
    up.next({ stallAfter: 1 }, { hold: true });
    const one = open(up.port, ask({ stream: true }));
    await one.firstByte;
    one.abort();
    const two = open(up.port, ask());
    await up.arrived(2);
    two.abort();
    await until('both seen as aborted', () => up.requests.every((r) => r.state === 'aborted'));
    await until('nothing open', () => up.inFlight === 0);
  });

  test('refuses while stopped, and comes back on the same port', async () => {
    await up.reset();
    const { port } = up;
    await up.stop();
    assert.equal((await open(port, ask()).done).ended, 'refused');
    await up.start();
    assert.equal(up.port, port);
    assert.equal((await send(port, ask())).status, 200);
  });
});

describe('the push worker', () => {
  let broker, crew, worker;
  const llms = () => [{ model: worker.model, status: 'active', url: `http://127.0.0.1:${worker.port}` }];
  before(async () => {
    broker = await startMock((r) => ({ body: r.path === '/api/v1/llms' ? { llms: llms() } : { status: 'ok', message: 'heard' } }));
    const daemon = { port: Number(new URL(broker.base).port), alive: true, json: async (path) => (await send(daemon.port, { method: 'GET', path })).json };
    crew = new PushCrew(() => daemon);
    worker = crew.hire({ capacity: 2, heartbeatMs: 5 });
    await worker.start();
    await worker.active();
  });
  after(async () => { await crew.end(); await broker.stop(); });
  const post = () => send(worker.port, { path: '/v1/inference', body: { prompt: 'once' } });
  const read = async () => {
    const { json } = await post();
    return open(worker.port, { method: 'GET', path: json.sse_url });
  };

  test('announces itself', async () => {
    await until('three beats', () => broker.requests.filter((r) => r.path === '/v1/worker-heartbeat').length >= 3);
    const { worker: said, timestamp } = broker.requests[0].body;
    assert.deepEqual(said, { id: worker.id, model_id: worker.model, device: 'cpu:0', host: '127.0.0.1', port: worker.port, status: 'ready', implementation: 'test-worker', version: '1.0.0', capacity: 2 });
    assert.ok(Date.parse(timestamp) > 0);
  });

  test('says its tokens, and goes wrong as told', async () => {
    const good = await (await read()).done;
    assert.equal(good.text, `${words().map(event).join('')}data: [DONE]\n\n`);
    assert.deepEqual([jobText(good.text), dones(good.text), worker.requests[0].state, worker.requests[0].body], [words().join(''), 1, 'done', { prompt: 'once' }]);
    worker.next({ tokens: [' a', 'b\nc'] }, { cut: 2 }, { noDone: true }, { doneTwice: true, afterDone: ['x'] }, { errorEvent: 1 }, { streamStatus: 500 }, { raw: ['no event'] });
    assert.deepEqual(tokensOf((await (await read()).done).text), [' a', 'b\nc']);
    const cut = await (await read()).done;
    assert.deepEqual([cut.ended, tokensOf(cut.text)], ['cut', words(2)]);
    assert.equal(dones((await (await read()).done).text), 0);
    assert.equal(dones((await (await read()).done).text), 2);
    assert.match((await (await read()).done).text, /"error"/);
    assert.equal((await (await read()).done).status, 500);
    assert.equal((await (await read()).done).text, 'no event');
    worker.next({ cut: 'post' }, { status: 503, body: 'busy' }, { cut: 'stream' }, { sseUrl: 7 });
    assert.equal((await open(worker.port, { path: '/v1/inference', body: {} }).done).ended, 'refused');
    assert.deepEqual([(await post()).text, worker.requests.at(-1).state], ['busy', 'refused']);
    assert.equal((await (await read()).done).ended, 'refused');
    assert.equal((await post()).json.sse_url, 7);
  });

  test('is held, stalls, and sees that the broker has gone', async () => {
    worker.requests = [];
    worker.next({ hold: 'post' }, { hold: 'stream' }, { stallAfter: 1 }, { stallAfter: 1, deaf: true });
    const first = open(worker.port, { path: '/v1/inference', body: {} });
    await worker.arrived(1);
    first.abort();
    const rest = [await read(), await read(), await read()];
    await rest[1].firstByte;
    await rest[2].firstByte;
    await until('all are open', () => worker.requests.every((r) => r.state === 'aborted' || r.streams === 1));
    for (const call of rest) call.abort();
    await until('all seen', () => worker.requests.every((r) => r.state === 'aborted'));
    worker.requests[3].release();
    await until('the deaf one says the rest', () => worker.requests[3].tokensSent === 4);
    assert.equal(worker.inFlight, 1, 'the one whose sse_url led nowhere');
  });

  test('refuses, and comes back on its port', async () => {
    const { port } = worker;
    await worker.refuse();
    assert.equal((await open(port, { path: '/v1/inference', body: {} }).done).ended, 'refused');
    await worker.listen();
    assert.deepEqual([worker.port, (await post()).status], [port, 200]);
  });
});

describe('the readers and writers', () => {
  test('YAML', () => {
    assert.equal(toYaml({ http: { port: 1 }, upstreams: [{ name: 'a', models: ['x'] }], inference: { profiles: { 'a:b': { max_concurrent: 1 } } }, plugins: [] }),
      'http:\n  port: 1\nupstreams:\n  - {name: "a", models: ["x"]}\ninference:\n  profiles:\n    "a:b":\n      max_concurrent: 1\nplugins: []\n');
  });

  test('responses from raw bytes, lengths and chunks', () => {
    const [a, b] = parseResponses(Buffer.from('HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'));
    assert.deepEqual([a.status, a.json, a.complete, b.status, b.body, b.complete], [400, {}, true, 200, 'abc', true]);
  });

  test('a raw socket', async () => {
    const up = await startUpstream();
    const r = await wire(up.port, 'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal(r.responses[0].json.data[0].id, 'model-a');
    await up.stop();
  });

  test('events', () => {
    assert.deepEqual(events(': ping\n\nevent: a\nid: 1\ndata: x\ndata: y\n\ndata: [DONE]\n\ndata: half'),
      [{ comment: 'ping' }, { event: 'a', id: '1', data: 'x\ny' }, { data: '[DONE]' }]);
  });
});

describe('the real LLM server', { timeout: 120_000 }, () => {
  let llm, client;
  before(async () => {
    llm = await startLlmServer();
    client = new OpenAI({ baseURL: `${llm.url}/v1`, apiKey: 'none', maxRetries: 0 });
  });
  after(() => llm?.stop());

  test('says 503 while loading, then chats, streams, embeds', async () => {
    const early = await send(llm.port, { method: 'GET', path: '/health' });
    if (early.status !== 200) assert.equal(early.json.error.message, 'Loading model');
    await llm.ready();
    const chat = await client.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'hello' }], max_tokens: 12 });
    assert.equal(chat.usage.completion_tokens, 12);
    const pieces = [];
    for await (const c of await client.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'hello' }], max_tokens: 12, stream: true })) pieces.push(c);
    assert.equal(pieces.at(-1).choices[0].finish_reason, 'length');
    const [one, two] = (await client.embeddings.create({ model: 'tiny', input: ['same', 'same'] })).data;
    assert.equal(one.embedding.length, 128);
    assert.deepEqual(one.embedding, two.embedding);
    const empty = (await send(llm.port, { method: 'GET', path: '/health' })).rawHeaders;
    assert.equal(empty[empty.indexOf('Access-Control-Allow-Origin') + 1], '');
  });

  test('stops when its caller leaves', async () => {
    const stream = await client.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content: 'go on' }], max_tokens: 3500, stream: true });
    for await (const piece of stream) if (piece.choices[0].delta.content) break;
    await until('no slot in use', async () => (await llm.stats()).processing === 0);
    assert.equal((await llm.stats()).aborted, 1);
  });
});
