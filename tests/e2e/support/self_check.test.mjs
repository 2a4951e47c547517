// The tests' own instruments, without the daemon: the scriptable upstream does what it is told, the real LLM server answers the
// official client, the YAML writer and the raw-socket reader are right. A failure here is never the daemon's.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { toYaml } from './daemon.mjs';
import { events, isDone, open, parseResponses, send, spoken, streamError, wire } from './http.mjs';
import { startLlmServer } from './llm-server.mjs';
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
