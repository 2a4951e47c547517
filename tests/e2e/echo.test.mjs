// The first call works with no LLM installed: the built-in `echo` model, with no configuration at all and with its settings.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import OpenAI from 'openai';
import { freePort, startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, expectTaskHeaders } from './support/expect.mjs';
import { events, isDone, open, payloads, spoken } from './support/http.mjs';

const isFree = (port) => new Promise((resolve) => {
  const probe = net.createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
});

describe('no configuration file', () => {
  test('serve starts on 127.0.0.1:8642, says so, and echo answers', { timeout: 60_000 }, async (t) => {
    const usual = await isFree(8642);
    const port = usual ? 8642 : await freePort();
    if (!usual) t.diagnostic('port 8642 is in use on this machine: SIGNALBOX_HTTP_PORT names another');
    const daemon = await startDaemon({ config: null, port, env: usual ? {} : { SIGNALBOX_HTTP_PORT: `${port}` } });
    try {
      assert.match(daemon.output, new RegExp(`http://127\\.0\\.0\\.1:${port}`), 'the address is printed');
      assert.match(daemon.output, /echo/, 'the models are printed');
      assert.match(daemon.output, /curl http/, 'a curl line to paste');
      assert.match(daemon.output, /OpenAI\(/, 'an OpenAI line to paste');
      const models = (await daemon.json('/v1/models')).data.map((m) => m.id);
      assert.ok(models.includes('echo'), `echo is in ${models}`);
      const r = expectOk(await daemon.chat({ model: 'echo' }));
      expectTaskHeaders(r, { profile: 'openai_compat:echo', priority: 'workflow', attempts: '1' });
      assert.ok(fs.existsSync(path.join(daemon.dir, 'signalbox-data')), 'the store is ./signalbox-data');
    } finally {
      await daemon.stop();
    }
  });
});

describe('echo by its settings', { timeout: 60_000 }, () => {
  let daemon, client;
  const say = (content) => [{ role: 'user', content }];
  before(async () => {
    daemon = await startDaemon({ config: { echo: { tokens: 10, token_delay_ms: 20, capacity: 2 } } });
    client = new OpenAI({ baseURL: `${daemon.base}/v1`, apiKey: 'x', maxRetries: 0 });
  });
  after(() => daemon?.stop());

  test('/v1/models and /v1/models/{id}', async () => {
    const list = await daemon.json('/v1/models');
    assert.equal(list.object, 'list');
    const echo = list.data.find((m) => m.id === 'echo');
    assert.ok(echo, JSON.stringify(list));
    assert.equal(echo.object, 'model');
    assert.ok(Number.isInteger(echo.created), 'created is a number of seconds');
    assert.equal(typeof echo.owned_by, 'string');
    assert.deepEqual((await daemon.json('/v1/models/echo')).id, 'echo');
    expectError(await daemon.get('/v1/models/nobody'), 'model_not_found');
  });

  test('chat: the caller\'s own words, at most echo.tokens of them', async () => {
    const r = expectOk(await daemon.chat({ model: 'echo', messages: say('one two three') }));
    assert.match(r.headers['content-type'], /^application\/json/);
    assert.equal(r.json.object, 'chat.completion');
    assert.equal(r.json.choices[0].message.role, 'assistant');
    assert.match(r.json.choices[0].message.content, /one/, 'the answer has the caller\'s words');
    assert.ok(r.json.usage.completion_tokens <= 10, `usage ${JSON.stringify(r.json.usage)}`);
    expectTaskHeaders(r, { profile: 'openai_compat:echo', attempts: '1' });
  });

  test('max_tokens shortens the answer', async () => {
    const r = expectOk(await daemon.chat({ model: 'echo', max_tokens: 3, messages: say('a b c d e f g h') }));
    assert.ok(r.json.usage.completion_tokens <= 3, JSON.stringify(r.json.usage));
    const stream = expectOk(await daemon.chat({ model: 'echo', max_tokens: 3, stream: true, messages: say('a b c d e f g h') }));
    assert.ok(payloads(stream.text).filter((p) => p.choices?.[0]?.delta?.content).length <= 3, stream.text);
  });

  test('chat, streamed: events over time, then [DONE]', async () => {
    const call = daemon.openChat({ model: 'echo', stream: true, messages: say('a b c d e f g h i j k l m n') });
    const r = expectOk(await call.done);
    assert.equal(r.ended, 'clean');
    assert.equal(r.headers['content-type'], 'text/event-stream');
    const pieces = payloads(r.text);
    assert.ok(pieces.every((p) => p.object === 'chat.completion.chunk'), r.text);
    assert.equal(pieces.filter((p) => p.choices[0]?.delta?.content).length, 10, `one event per token: ${r.text}`);
    assert.ok(pieces.some((p) => p.choices[0]?.finish_reason), 'a finish reason');
    assert.ok(isDone(r.text) && events(r.text).at(-1).data === '[DONE]');
    // From the beginning: a busy machine may hand over the first pieces together, and late.
    assert.ok(call.chunkTimes.at(-1) - r.startedAt >= 10 * 20 * 0.9, `20 ms per token: over ${call.chunkTimes.at(-1) - r.startedAt} ms`);
    assert.ok(call.chunkTimes.length > 1, 'not in one piece');
    const plain = expectOk(await daemon.chat({ model: 'echo', messages: say('a b c d e f g h i j k l m n') }));
    assert.equal(plain.json.choices[0].message.content, spoken(r.text), 'plain and streamed say the same');
  });

  test('completions, plain and streamed', async () => {
    const r = expectOk(await daemon.post('/v1/completions', { model: 'echo', prompt: 'one two three' }));
    assert.equal(r.json.object, 'text_completion');
    assert.match(r.json.choices[0].text, /one/);
    const s = expectOk(await daemon.post('/v1/completions', { model: 'echo', prompt: 'one two three', stream: true }));
    assert.equal(spoken(s.text), r.json.choices[0].text);
    assert.ok(isDone(s.text));
  });

  test('embeddings: the same text gives the same vector; floats and base64 agree', async () => {
    const r = expectOk(await daemon.post('/v1/embeddings', { model: 'echo', input: ['x', 'y', 'x'] }));
    expectTaskHeaders(r, { profile: 'embeddings:echo', priority: 'background' });
    assert.equal(r.json.object, 'list');
    const [a, b, c] = r.json.data.map((d) => d.embedding);
    assert.ok(Array.isArray(a) && a.length > 0 && a.every(Number.isFinite), JSON.stringify(r.json).slice(0, 300));
    assert.deepEqual(a, c);
    assert.notDeepEqual(a, b);
    assert.deepEqual(r.json.data.map((d) => d.index), [0, 1, 2]);
    const viaClient = (await client.embeddings.create({ model: 'echo', input: 'x' })).data[0].embedding;      // asks for base64
    assert.equal(viaClient.length, a.length);
    viaClient.forEach((x, i) => assert.ok(Math.abs(x - a[i]) < 1e-5, `at ${i}: ${x} and ${a[i]}`));
  });

  test('the official client speaks to it', async () => {
    const chat = await client.chat.completions.create({ model: 'echo', messages: say('hello out there') });
    assert.ok(chat.choices[0].message.content);
    let n = 0;
    for await (const piece of await client.chat.completions.create({ model: 'echo', messages: say('hello out there'), stream: true })) n += piece.choices[0]?.delta?.content ? 1 : 0;
    assert.ok(n > 0 && n <= 10);
  });

  test('its capacity is its number of slots', async () => {
    const profile = await daemon.profile('openai_compat:echo');
    assert.equal(profile.max_concurrent, 2);
    const calls = Array.from({ length: 4 }, () => open(daemon.port, { path: '/v1/chat/completions', body: { model: 'echo', messages: say('a b c d e f g h i j') } }));
    await daemon.profileWhen('openai_compat:echo', 'two run, two wait', (p) => p.in_flight === 2 && p.waiting.workflow === 2);
    for (const c of calls) expectOk(await c.done);
  });
});

test('echo can be switched off', { timeout: 30_000 }, async () => {
  const daemon = await startDaemon({ config: { echo: { enabled: false } } });
  try {
    assert.deepEqual((await daemon.json('/v1/models')).data, []);
    expectError(await daemon.chat({ model: 'echo' }), 'model_not_found');
  } finally {
    await daemon.stop();
  }
});
