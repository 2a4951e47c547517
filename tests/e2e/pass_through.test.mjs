// What of a call reaches its backend, and what of the answer comes back.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { CHAT, ContractHouse } from './support/contract_house.mjs';
import { startDaemon } from './support/daemon.mjs';
import { expectOk, TIME } from './support/expect.mjs';
import { isDone, spoken } from './support/http.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const house = new ContractHouse();
let up, many, studio, pooled, daemon;
before(async () => { ({ up, many, studio, pooled, daemon } = await house.start()); });
after(() => house.stop());
afterEach(() => house.reset());

const last = (u = up) => u.requests.at(-1);

describe('what reaches the backend', () => {
  test('the body byte for byte, but for the model', async () => {
    const body = '{ "messages" : [ {"role":"user","content":"gr\u00fc\u00dfe \\u00e9\\n"} ],\n\t"model"  :  "alpha" , "temperature":0.70, "big":12345678901234567890123, "top_p":1e-3, "x":{"model":"alpha","b":[1.0,-0,null]} ,"seed":1}';
    expectOk(await daemon.post(CHAT, body));
    assert.equal(last().text, body.replace('"model"  :  "alpha"', '"model"  :  "alpha-7b"'));
    const own = body.replace('"model"  :  "alpha"', '"model"  :  "alpha-7b"');
    expectOk(await daemon.post(CHAT, own));
    assert.equal(last().text, own, 'the backend\'s own id: not a byte changes');
    assert.equal(last().headers['content-type'].split(';')[0], 'application/json');
    assert.equal(+last().headers['content-length'], Buffer.byteLength(own));
  });

  test('a stream\'s body likewise', async () => {
    const body = '{"stream":true ,"model":"alpha","messages":[ ],"stream_options":{"include_usage":false}}';
    expectOk(await daemon.post(CHAT, body));
    assert.equal(last().text, body.replace('"model":"alpha"', '"model":"alpha-7b"'));
  });

  test('the path: the base URL may have one', async () => {
    expectOk(await daemon.chat({ model: 'm-one' }));
    assert.equal(last(many).path, CHAT);
    expectOk(await daemon.post('/v1/completions', { model: 'm-one', prompt: 'x' }));
    assert.equal(last(many).path, '/v1/completions');
    expectOk(await daemon.post('/v1/embeddings', { model: 'alpha', input: 'x' }));
    assert.equal(last().path, '/v1/embeddings');
  });

  test('neither our headers nor the caller\'s keys', async () => {
    const headers = {
      Authorization: 'Bearer caller-secret', 'X-Signalbox-Priority': 'interactive', 'X-Signalbox-Queue-Wait-S': '5',
      'X-Signalbox-Inference-S': '5', 'X-Signalbox-Profile': 'mine', 'X-Signalbox-Description': 'caller-text', 'X-Signalbox-Anything': 'caller-any',
    };
    expectOk(await daemon.chat({ model: 'm-one' }, headers));
    expectOk(await daemon.chat({ model: 'm-one', stream: true }, { 'X-Api-Key': 'caller-secret' }));
    for (const r of many.requests) {
      const names = Object.keys(r.headers);
      assert.deepEqual(names.filter((n) => n.startsWith('x-signalbox') || n === 'x-api-key' || n === 'authorization'), []);
      assert.ok(!JSON.stringify(r.rawHeaders).includes('caller-secret'), `the caller's key is in ${r.rawHeaders}`);
    }
  });

  test('the backend\'s own key from its environment variable', async () => {
    expectOk(await daemon.chat({ model: 'alpha' }, { Authorization: 'Bearer caller-secret' }));
    assert.equal(last().headers.authorization, 'Bearer the-backends-own-key');
  });

  test('service_tier: gone when it was the priority, passed on otherwise', async () => {
    for (const tier of ['priority', 'flex']) {
      expectOk(await daemon.chat({ model: 'alpha', service_tier: tier, seed: 5 }));
      assert.ok(!('service_tier' in last().body), `${tier} was used as a priority: ${last().text}`);
      assert.deepEqual(last().body, { messages: [{ role: 'user', content: 'hi' }], model: 'alpha-7b', seed: 5 });
    }
    for (const tier of ['auto', 'default', 'scale']) {
      expectOk(await daemon.chat({ model: 'alpha', service_tier: tier }));
      assert.equal(last().body.service_tier, tier);
    }
    const text = '{"service_tier":"flex","model":"alpha-7b","messages":[],"temperature":0.70}';
    expectOk(await daemon.post(CHAT, text));
    assert.deepEqual(JSON.parse(last().text), { model: 'alpha-7b', messages: [], temperature: 0.7 });
    assert.match(last().text, /0\.70/, 'the rest keeps its bytes');
  });

  test('a model name: an LLM, a pool, or a model id', async () => {
    for (const [name, u, sent, backend] of [['alpha', up, 'alpha-7b', 'alpha'], ['alpha-7b', up, 'alpha-7b', 'alpha'], ['m-one', many, 'm-one', 'm-one'],
      ['org/m-two', many, 'org/m-two', 'org/m-two'], ['pooled', pooled, 'pool-model', 'pooled'], ['team', pooled, 'pool-model', 'pooled'], ['pool-model', pooled, 'pool-model', 'pooled']]) {
      const r = expectOk(await daemon.chat({ model: name }), name);
      assert.equal(r.headers['x-signalbox-backend'], backend, `${name}: backend`);
      assert.equal(last(u).body.model, sent, `${name}: model sent`);
    }
  });
});

describe('what comes back', () => {
  test('a plain answer as the backend gave it', async () => {
    const r = expectOk(await daemon.chat({ model: 'alpha' }));
    assert.equal(r.text, last().answered);
    assert.match(r.headers['content-type'], /^application\/json/);
  });

  test('a stream byte for byte, whatever its shape', async () => {
    const odd = [
      ': a comment first\n\n', 'event: note\nid: 7\nretry: 10\ndata: {"choices":[]}\n\n', 'data:{"choices":[{"index":0,"delta":{"content":"no space"}}]}\n\ndata: {"cho',
      'ices":[{"index":0,"delta":{"content":"', Buffer.from([0xc3]), Buffer.from([0xa9]), '"}}]}\n\n', 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n', 'data: [DONE]\n\n',
    ];
    up.next({ raw: odd, tokenDelayMs: 15 });
    const r = expectOk(await daemon.chat({ model: 'alpha', stream: true }));
    const events_ = (bytes) => bytes.toString('latin1').replaceAll(/^:[^\n]*\n\n/gm, '');            // a comment is no event
    assert.equal(events_(r.bytes), events_(Buffer.concat(odd.map((x) => Buffer.from(x)))));
    const crlf = ['data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\r\n\r\n', 'data: [DONE]\r\n\r\n'];
    up.next({ raw: crlf, tokenDelayMs: 15 });
    assert.equal(expectOk(await daemon.chat({ model: 'alpha', stream: true })).text, crlf.join(''));
  });

  test('events are passed on as they come, not at the end', async () => {
    up.next({ tokens: 4, stallAfter: 2 });
    const call = daemon.openChat({ model: 'alpha', stream: true });
    await until('two tokens are here while the backend stalls', () => spoken(call.text) === sentence(2));
    up.release();
    assert.equal(spoken((await within('the end', call.done)).text), sentence(4));
  });

  test('a stream sends no byte before the backend\'s first', async () => {
    up.next({ hold: true });
    const call = daemon.openChat({ model: 'alpha', stream: true });
    await up.arrived(1);
    await daemon.get('/livez');
    assert.equal(call.response, undefined, 'no headers yet');
    up.release();
    expectOk(await within('the end', call.done));
  });

  test('the task row of a finished call', async () => {
    const sent = { model: 'alpha', messages: [{ role: 'user', content: 'row' }], max_tokens: 3 };
    const r = expectOk(await daemon.post(CHAT, sent, { 'X-Signalbox-Priority': 'interactive' }));
    const row = await daemon.task(r.headers['x-signalbox-task']);
    const expected = { id: r.headers['x-signalbox-task'], status: 'completed', llm: 'alpha', model: 'alpha-7b', profile: 'openai_compat:alpha-7b', priority: 'interactive', kind: 'chat', streaming: false, attempts: 1, owner: 'local', agent: null, error: null, claimed_by: 'alpha', queue_position: null };
    for (const [k, v] of Object.entries(expected)) assert.deepEqual(row[k], v, `row.${k}; ${JSON.stringify(row)}`);
    for (const k of ['pool', 'tier', 'metadata', 'stream_started_at', 'estimated_wait_s', 'request_body', 'response_body']) assert.ok(k in row, `row has ${k}`);
    for (const k of ['created_at', 'claimed_at', 'completed_at']) assert.match(row[k], TIME, k);
    const body = typeof row.response_body === 'string' ? JSON.parse(row.response_body) : row.response_body;
    assert.deepEqual(body, r.json);
    const [listed] = (await daemon.tasks()).filter((t) => t.id === row.id);
    assert.ok(listed, 'it is in the list');
    assert.ok(!('response_body' in listed) || listed.response_body === null, 'lists leave the bodies out');
    const withBodies = (await daemon.tasks('&include=bodies')).find((t) => t.id === row.id);
    assert.deepEqual(withBodies.response_body, row.response_body);
  });

  test('the task row of a stream has the assembled body', async () => {
    const r = expectOk(await daemon.chat({ model: 'alpha', stream: true }));
    const row = await daemon.taskWhen(r.headers['x-signalbox-task'], 'completed', (t) => t.status === 'completed');
    const body = typeof row.response_body === 'string' ? JSON.parse(row.response_body) : row.response_body;
    assert.equal(body.choices[0].message.content, sentence(4), JSON.stringify(body));
    assert.equal(body.choices[0].finish_reason, 'length');
    assert.equal(row.streaming, true);
    assert.match(row.stream_started_at, TIME);
  });

  test('profile names: one prefix per call site', async () => {
    const profiles = async (path, body) => expectOk(await daemon.post(path, body), path).headers['x-signalbox-profile'];
    assert.equal(await profiles(CHAT, { model: 'alpha', messages: [] }), 'openai_compat:alpha-7b');
    assert.equal(await profiles('/v1/completions', { model: 'alpha', prompt: 'x' }), 'openai_compat:alpha-7b');
    assert.equal(await profiles('/v1/embeddings', { model: 'alpha', input: 'x' }), 'embeddings:alpha-7b');
    assert.equal(await profiles('/v1/embeddings', { model: 'embedder', input: 'x' }), 'lmstudio:embedder');
    assert.equal(await profiles(CHAT, { model: 'chatty', messages: [] }), 'openai_compat:chatty');
    assert.equal(await profiles('/api/v1/chat', { model: 'chatty', input: 'hello' }), 'lmstudio_native:chatty');
    assert.equal(last(studio).path, '/api/v1/chat');
    assert.deepEqual(last(studio).body, { model: 'chatty', input: 'hello' });
    assert.equal(await profiles(CHAT, { model: 'team', messages: [] }), 'openai_compat:team');
    assert.equal(await profiles(CHAT, { model: 'org/m-two', messages: [] }), 'openai_compat:org/m-two');
    const slash = await daemon.get('/api/v1/profiles/openai_compat:org/m-two');
    assert.equal(expectOk(slash).json.name, 'openai_compat:org/m-two');
    assert.equal(expectOk(await daemon.get('/api/v1/profiles/openai_compat%3Aorg%2Fm-two')).json.name, 'openai_compat:org/m-two');
    assert.equal(expectOk(await daemon.get('/v1/models/org/m-two')).json.id, 'org/m-two');
    assert.equal(expectOk(await daemon.get('/v1/models/org%2Fm-two')).json.id, 'org/m-two');
  });
});

test('a silent stream is kept alive by a comment after 15 s', { timeout: 60_000 }, async (t) => {
  const silent = await startUpstream({ models: ['quiet'], name: 'silent', tokens: 2 });
  t.after(() => silent.stop());
  silent.always = { stallAfter: 1 };
  const quiet = await startDaemon({ config: { upstreams: [{ name: 'silent', type: 'openai', url: silent.url, models: ['quiet'], capacity: 2 }] } });
  t.after(() => quiet.stop());
  const stalled = quiet.openChat({ model: 'silent', stream: true });
  t.after(() => stalled.abort());
  await until('": ping" after the first token', () => /(^|\n): ping\n/.test(stalled.text), { within: 25_000, every: 100, seen: () => stalled.text });
  const at = stalled.chunkTimes.at(-1) - stalled.chunkTimes[0];
  assert.ok(at >= 14_000, `after 15 s of silence, not ${at} ms`);
  silent.release();
  const r = await within('the stream\'s end', stalled.done);
  assert.equal(spoken(r.text), sentence(2));
  assert.ok(isDone(r.text));
});
