// The contract's sections "Common", 1 and 8 as a caller sees them: every header, where a priority comes from, budgets, idempotency,
// every refusal with its code and shape, and what of a call reaches the backend.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import zlib from 'node:zlib';
import { run, startDaemon, Daemon, freePort } from './support/daemon.mjs';
import { expectError, expectOk, expectTaskHeaders, TASK_HEADERS, TIME } from './support/expect.mjs';
import { isDone, open, payloads, send, spoken, wire } from './support/http.mjs';
import { tempDir } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const MAX_BODY = 20_000;
const CHAT = '/v1/chat/completions';
let up, many, studio, pooled, silent, daemon, stalled;

before(async () => {
  up = await startUpstream({ models: ['alpha-7b'], name: 'alpha' });
  many = await startUpstream({ models: ['m-one', 'org/m-two'], name: 'many' });
  studio = await startUpstream({ models: ['chatty', 'embedder'], name: 'studio' });
  pooled = await startUpstream({ models: ['pool-model'], name: 'pooled' });
  silent = await startUpstream({ models: ['quiet'], name: 'silent', tokens: 2 });
  silent.always = { stallAfter: 1 };
  daemon = await startDaemon({
    env: { ALPHA_KEY: 'the-backends-own-key' },
    config: {
      http: { max_body_bytes: MAX_BODY, allowed_hosts: ['box.example'] },
      upstreams: [
        { name: 'alpha', type: 'openai', url: up.url, models: ['alpha-7b'], capacity: 4, api_key_env: 'ALPHA_KEY' },
        { name: 'many', type: 'openai', url: `${many.url}/v1`, models: ['m-one', 'org/m-two'], capacity: 4 },
        { name: 'studio', type: 'lmstudio', url: studio.url, discover: true, capacity: 4 },
        { name: 'pooled', type: 'openai', url: pooled.url, models: ['pool-model'], pool: 'team', capacity: 4 },
        { name: 'silent', type: 'openai', url: silent.url, models: ['quiet'], capacity: 2 },
      ],
    },
  });
  await until('every backend\'s models are known', async () => {
    const ids = (await daemon.json('/v1/models')).data.map((m) => m.id);
    return ['alpha', 'm-one', 'chatty', 'pooled', 'silent'].every((n) => ids.includes(n)) || undefined;
  }, { within: 20_000, seen: () => daemon.json('/v1/models') });
  stalled = daemon.openChat({ model: 'silent', stream: true });      // its silence is looked at by the last test
});
after(async () => {
  stalled?.abort();
  await daemon?.stop();
  for (const u of [up, many, studio, pooled, silent]) await u?.stop();
});
afterEach(async () => {
  for (const u of [up, many, studio, pooled]) await u.reset();
});

const key = () => `key-${crypto.randomUUID()}`;
const last = (u = up) => u.requests.at(-1);

describe('response headers', () => {
  test('every call that makes a task carries them all', async () => {
    const plain = expectOk(await daemon.chat({ model: 'alpha' }));
    expectTaskHeaders(plain, { profile: 'openai_compat:alpha-7b', priority: 'workflow', backend: 'alpha', attempts: '1' });
    const stream = expectOk(await daemon.chat({ model: 'alpha', stream: true }));
    expectTaskHeaders(stream, { profile: 'openai_compat:alpha-7b', priority: 'workflow', backend: 'alpha', attempts: '1' });
    const completion = expectOk(await daemon.post('/v1/completions', { model: 'alpha', prompt: 'x' }));
    expectTaskHeaders(completion, { profile: 'openai_compat:alpha-7b', priority: 'workflow', backend: 'alpha', attempts: '1' });
    const embedding = expectOk(await daemon.post('/v1/embeddings', { model: 'alpha', input: 'x' }));
    expectTaskHeaders(embedding, { profile: 'embeddings:alpha-7b', priority: 'background', backend: 'alpha', attempts: '1' });
    const ids = [plain, stream, completion, embedding].map((r) => r.headers['x-signalbox-task']);
    assert.equal(new Set(ids).size, 4, 'each has a task of its own');
    for (const r of [plain, stream, completion, embedding]) {
      for (const h of TASK_HEADERS) assert.equal(r.rawHeaders.filter((n, i) => i % 2 === 0 && n.toLowerCase() === h).length, 1, `${h} once`);
    }
  });

  test('a stream is text/event-stream, not stored, not buffered', async () => {
    const r = expectOk(await daemon.chat({ model: 'alpha', stream: true }));
    assert.equal(r.headers['content-type'], 'text/event-stream');
    assert.equal(r.headers['cache-control'], 'no-store');
    assert.equal(r.headers['x-accel-buffering'], 'no');
    assert.equal(r.headers['content-encoding'], undefined);
  });

  test('X-Request-Id: the given one comes back, else one is made', async () => {
    const given = expectOk(await daemon.chat({ model: 'alpha' }, { 'X-Request-Id': 'trace-42.A_b' }));
    assert.equal(given.headers['x-request-id'], 'trace-42.A_b');
    const made = [await daemon.chat({ model: 'alpha' }), await daemon.chat({ model: 'alpha' })].map((r) => r.headers['x-request-id']);
    assert.ok(made[0] && made[1] && made[0] !== made[1], `two made ids: ${made}`);
    const failed = await daemon.chat({ model: 'nobody' }, { 'X-Request-Id': 'trace-43' });
    expectError(failed, 'model_not_found', { request_id: 'trace-43' });
    assert.equal(failed.headers['x-request-id'], 'trace-43');
    const streamed = expectOk(await daemon.chat({ model: 'alpha', stream: true }, { 'X-Request-Id': 'trace-44' }));
    assert.equal(streamed.headers['x-request-id'], 'trace-44');
  });

  test('an error of a call that made a task carries them too', async () => {
    up.next({ status: 400 });
    const r = await daemon.chat({ model: 'alpha' }, { 'X-Request-Id': 'trace-45' });
    expectError(r, 'backend_error', { status: 400, request_id: 'trace-45', backend_status: 400 });
    expectTaskHeaders(r, { profile: 'openai_compat:alpha-7b', priority: 'workflow', backend: 'alpha', attempts: '1' });
  });

  test('no CORS header is ever sent', async () => {
    for (const r of [await daemon.chat({ model: 'alpha' }, { Origin: 'http://evil.example' }),
      await daemon.get('/v1/models', { Origin: 'http://evil.example' }),
      await daemon.send({ method: 'OPTIONS', path: CHAT, headers: { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' } })]) {
      assert.deepEqual(Object.keys(r.headers).filter((h) => h.startsWith('access-control')), []);
    }
  });

  test('X-Signalbox-Description is in the call row', async () => {
    expectOk(await daemon.chat({ model: 'alpha' }, { 'X-Signalbox-Description': 'nightly: page 7 of 9' }));
    const [row] = await daemon.callsWhen('nightly: page 7 of 9', 'ended');
    assert.equal(row.status, 'ok');
    const long = await daemon.chat({ model: 'alpha' }, { 'X-Signalbox-Description': 'x'.repeat(201) });
    if (long.status === 200) assert.ok((await daemon.calls()).every((c) => (c.description ?? '').length <= 200), 'over 200 bytes: cut, if not refused');
    else expectError(long, 'invalid_request', { param: /description/i });
  });
});

describe('priority', () => {
  const used = async (headers = {}, body = {}, path = CHAT) => {
    const r = expectOk(await daemon.post(path, { model: 'alpha', messages: [], input: 'x', prompt: 'x', ...body }, headers), JSON.stringify({ headers, body }));
    return r.headers['x-signalbox-priority'];
  };

  test('the route\'s default: workflow for completions, background for embeddings', async () => {
    assert.equal(await used(), 'workflow');
    assert.equal(await used({}, {}, '/v1/completions'), 'workflow');
    assert.equal(await used({}, {}, '/v1/embeddings'), 'background');
  });

  test('X-Signalbox-Priority in any case', async () => {
    for (const [given, expected] of [['interactive', 'interactive'], ['Interactive', 'interactive'], ['WORKFLOW', 'workflow'], ['backGround', 'background']]) {
      assert.equal(await used({ 'X-Signalbox-Priority': given }), expected, given);
    }
    assert.equal(await used({ 'x-signalbox-priority': 'interactive' }, {}, '/v1/embeddings'), 'interactive');
  });

  test('RFC 9218 Priority', async () => {
    const expected = ['interactive', 'interactive', 'interactive', 'workflow', 'workflow', 'background', 'background', 'background'];
    for (const [u, name] of expected.entries()) assert.equal(await used({ Priority: `u=${u}` }), name, `u=${u}`);
    assert.equal(await used({ Priority: 'u=1, i' }), 'interactive', 'with the other parameter');
    assert.equal(await used({ Priority: 'i, u=6' }), 'background', 'in any order');
    assert.equal(await used({ Priority: 'u=0' }, {}, '/v1/embeddings'), 'interactive');
  });

  test('body service_tier', async () => {
    assert.equal(await used({}, { service_tier: 'priority' }), 'interactive');
    assert.equal(await used({}, { service_tier: 'flex' }), 'background');
    assert.equal(await used({}, { service_tier: 'auto' }), 'workflow');
    assert.equal(await used({}, { service_tier: 'default' }), 'workflow');
    assert.equal(await used({}, { service_tier: 'default' }, '/v1/embeddings'), 'background');
  });

  test('the first that is given wins', async () => {
    assert.equal(await used({ 'X-Signalbox-Priority': 'background', Priority: 'u=0' }, { service_tier: 'priority' }), 'background');
    assert.equal(await used({ Priority: 'u=6' }, { service_tier: 'priority' }), 'background');
    assert.equal(await used({ Priority: 'u=3' }, { service_tier: 'priority' }), 'workflow');
    assert.equal(await used({ 'X-Signalbox-Priority': 'interactive' }, { service_tier: 'flex' }), 'interactive');
  });

  test('an unknown name is refused and reaches nobody', async () => {
    for (const name of ['urgent', 'inter active', '0', 'interactive,background']) {
      expectError(await daemon.chat({ model: 'alpha' }, { 'X-Signalbox-Priority': name }), 'invalid_priority', { param: /priority/i }, name);
    }
    assert.equal(up.requests.length, 0);
  });

  test('the class is in the call row and the task row', async () => {
    const r = expectOk(await daemon.chat({ model: 'alpha' }, { 'X-Signalbox-Priority': 'interactive', 'X-Signalbox-Description': 'class in rows' }));
    assert.equal((await daemon.callsWhen('class in rows', 'ended'))[0].priority, 'interactive');
    assert.equal((await daemon.task(r.headers['x-signalbox-task'])).priority, 'interactive');
  });
});

describe('budgets', () => {
  for (const header of ['X-Signalbox-Queue-Wait-S', 'X-Signalbox-Inference-S']) {
    test(`${header}: seconds, decimals allowed, above 0`, async () => {
      for (const good of ['1', '0.5', '30.25', '600']) expectOk(await daemon.chat({ model: 'alpha' }, { [header]: good }), good);
      up.requests.length = 0;
      for (const bad of ['0', '-1', '0.0', 'soon', '1s', 'nan', 'inf', '1e999', '1,5', '0x10', '1 2']) {
        const e = expectError(await daemon.chat({ model: 'alpha' }, { [header]: bad }), 'invalid_request', { source: 'broker' }, `${header}: ${bad}`);
        assert.equal(e.param?.toLowerCase(), header.toLowerCase(), `param names the header for "${bad}"`);
      }
      assert.equal(up.requests.length, 0, 'a refused call reaches no backend');
    });
  }
});

describe('idempotency', () => {
  test('a repeat gives the same task and the same bytes, and the backend is asked once', async () => {
    const headers = { 'Idempotency-Key': key() };
    const first = expectOk(await daemon.chat({ model: 'alpha' }, headers));
    const second = expectOk(await daemon.chat({ model: 'alpha' }, headers));
    assert.equal(second.headers['x-signalbox-task'], first.headers['x-signalbox-task']);
    assert.equal(second.text, first.text);
    expectTaskHeaders(second, { profile: 'openai_compat:alpha-7b', priority: 'workflow', backend: 'alpha', attempts: '1' });
    assert.equal(up.requests.length, 1);
  });

  test('the same key with another body is refused', async () => {
    const headers = { 'Idempotency-Key': key() };
    expectOk(await daemon.chat({ model: 'alpha', max_tokens: 2 }, headers));
    const r = await daemon.chat({ model: 'alpha', max_tokens: 3 }, headers);
    expectError(r, 'idempotency_key_reused');
    expectError(await daemon.chat({ model: 'alpha', max_tokens: 2, stream: true }, headers), 'idempotency_key_reused');
    assert.equal(up.requests.length, 1);
  });

  test('a repeat while it runs waits for the same answer', async () => {
    up.next({ hold: true });
    const options = { path: CHAT, body: { model: 'alpha', messages: [] }, headers: { 'Idempotency-Key': key() } };
    const first = open(daemon.port, options);
    await up.arrived(1);
    const second = open(daemon.port, options);
    const other = await daemon.chat({ model: 'alpha', max_tokens: 1 }, options.headers);
    expectError(other, 'idempotency_key_reused', {}, 'while it runs');
    assert.equal(second.ended, undefined, 'the repeat waits');
    up.release();
    const [a, b] = [expectOk(await within('first', first.done)), expectOk(await within('second', second.done))];
    assert.equal(a.headers['x-signalbox-task'], b.headers['x-signalbox-task']);
    assert.equal(a.text, b.text);
    assert.equal(up.requests.length, 1);
  });

  test('a burst of the same call is one task', async () => {
    const options = { path: CHAT, body: { model: 'alpha', messages: [] }, headers: { 'Idempotency-Key': key() } };
    const answers = await Promise.all(Array.from({ length: 12 }, () => send(daemon.port, options)));
    for (const a of answers) expectOk(a);
    assert.equal(new Set(answers.map((a) => a.headers['x-signalbox-task'])).size, 1);
    assert.equal(new Set(answers.map((a) => a.text)).size, 1);
    assert.equal(up.requests.length, 1);
  });

  test('a stream repeated after its end says the same', async () => {
    const headers = { 'Idempotency-Key': key() };
    const first = expectOk(await daemon.chat({ model: 'alpha', stream: true }, headers));
    const second = expectOk(await daemon.chat({ model: 'alpha', stream: true }, headers));
    assert.equal(second.headers['content-type'], 'text/event-stream');
    assert.equal(second.headers['x-signalbox-task'], first.headers['x-signalbox-task']);
    assert.equal(spoken(second.text), spoken(first.text));
    assert.ok(payloads(second.text).some((p) => p.choices?.[0]?.finish_reason === 'length'), second.text);
    assert.ok(isDone(second.text));
    assert.equal(up.requests.length, 1);
  });

  test('a stream repeated while it runs gets the whole answer', async () => {
    up.next({ tokens: 6, stallAfter: 3 });
    const options = { path: CHAT, body: { model: 'alpha', messages: [], stream: true }, headers: { 'Idempotency-Key': key() } };
    const first = open(daemon.port, options);
    await first.firstByte;
    const second = open(daemon.port, options);
    await until('the first has three tokens', () => spoken(first.text) === sentence(3));
    up.release();
    const [a, b] = [await within('first', first.done), await within('second', second.done)];
    assert.equal(spoken(a.text), sentence(6));
    assert.equal(spoken(b.text), sentence(6), `the repeat missed something: ${b.status} ${b.text}`);
    assert.ok(isDone(a.text) && isDone(b.text));
    assert.equal(a.headers['x-signalbox-task'], b.headers['x-signalbox-task']);
    assert.equal(up.requests.length, 1);
  });

  test('a failed task gives its error again', async () => {
    up.next({ status: 422, body: { error: { message: 'no such tool', type: 'x', code: 422 } } });
    const headers = { 'Idempotency-Key': key() };
    const first = await daemon.chat({ model: 'alpha' }, headers);
    const second = await daemon.chat({ model: 'alpha' }, headers);
    expectError(first, 'backend_error', { status: 422 });
    expectError(second, 'backend_error', { status: 422, message: first.json.error.message });
    assert.equal(second.headers['x-signalbox-task'], first.headers['x-signalbox-task']);
    assert.equal(up.requests.length, 1);
  });

  test('keys are kept per route', async () => {
    const headers = { 'Idempotency-Key': key() };
    const chat = expectOk(await daemon.post(CHAT, { model: 'alpha', messages: [], prompt: 'x', input: 'x' }, headers));
    const embedding = expectOk(await daemon.post('/v1/embeddings', { model: 'alpha', messages: [], prompt: 'x', input: 'x' }, headers));
    assert.notEqual(chat.headers['x-signalbox-task'], embedding.headers['x-signalbox-task']);
    assert.equal(embedding.json.object, 'list');
  });

  test('1 to 255 printable characters', async () => {
    expectOk(await daemon.chat({ model: 'alpha' }, { 'Idempotency-Key': 'k' + 'x'.repeat(254 - 8) + crypto.randomUUID().slice(0, 8) }));
    expectError(await daemon.chat({ model: 'alpha' }, { 'Idempotency-Key': 'x'.repeat(256) }), 'invalid_request', { param: /idempotency-key/i });
    for (const bad of ['tab\tinside', 'caf\u00e9']) {
      expectError(await daemon.chat({ model: 'alpha' }, { 'Idempotency-Key': bad }), 'invalid_request', { param: /idempotency-key/i }, JSON.stringify(bad));
    }
  });
});

describe('what is refused, and how', () => {
  test('an unknown path', async () => {
    for (const path of ['/v1/nothing', '/v1', '/api/v1/nothing', '/V1/models']) {
      expectError(await daemon.get(path), 'not_found', { source: 'broker', param: null }, path);
      expectError(await daemon.post(path, {}), 'not_found', {}, `POST ${path}`);
    }
  });

  test('a known path with another method', async () => {
    for (const [method, path, allowed] of [['GET', CHAT, 'POST'], ['DELETE', '/v1/embeddings', 'POST'], ['PUT', '/v1/completions', 'POST'],
      ['POST', '/v1/models', 'GET'], ['DELETE', '/v1/models/alpha', 'GET'], ['POST', '/livez', 'GET'], ['DELETE', '/api/v1/calls', 'GET'],
      ['PATCH', '/api/v1/profiles/x', 'PUT']]) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      const r = await daemon.send({ method, path, body });
      expectError(r, 'method_not_allowed', {}, `${method} ${path}`);
      const allow = (r.headers.allow ?? '').split(/\s*,\s*/);
      assert.ok(allow.includes(allowed) && !allow.includes(method), `${method} ${path}: Allow names ${allowed}, got "${r.headers.allow}"`);
    }
  });

  test('a body that is no JSON object', async () => {
    for (const body of ['', '{', '{"model":"alpha"', '[]', '"text"', 'null', '17', 'model=alpha', '{"model":"alpha",}', '{"model":"alpha"} x', "{'model':'alpha'}", '{"model":"al\npha"}']) {
      expectError(await daemon.post(CHAT, body), 'invalid_json', { source: 'broker' }, JSON.stringify(body));
    }
    expectError(await daemon.post(CHAT, Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])), 'invalid_json', {}, 'invalid UTF-8');
    expectError(await daemon.put('/api/v1/profiles/x', '[1]'), 'invalid_json');
    assert.equal(up.requests.length, 0);
  });

  test('a body without what the broker needs', async () => {
    for (const body of [{}, { model: null }, { model: 7 }, { model: '' }, { model: ['alpha'] }]) {
      expectError(await daemon.post(CHAT, body), 'invalid_request', { param: 'model' }, JSON.stringify(body));
    }
    expectError(await daemon.chat({ model: 'alpha', stream: 'yes' }), 'invalid_request', { param: 'stream' });
    expectError(await daemon.chat({ model: 'alpha' }, { 'X-Signalbox-Profile': 'has space' }), 'invalid_request', { param: /profile/i });
    expectError(await daemon.chat({ model: 'alpha' }, { 'X-Signalbox-Profile': 'x'.repeat(129) }), 'invalid_request', { param: /profile/i });
    assert.equal(up.requests.length, 0);
  });

  test('a wrong Content-Type', async () => {
    const body = JSON.stringify({ model: 'alpha', messages: [] });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/json']) {
      expectError(await daemon.post(CHAT, body, { 'Content-Type': type }), 'unsupported_media_type', {}, type);
    }
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/json;charset=UTF-8', 'Application/JSON']) {
      expectOk(await daemon.post(CHAT, body, { 'Content-Type': type }), type);
    }
  });

  test('a body over http.max_body_bytes, exactly', async () => {
    const sized = (n) => {
      const body = JSON.stringify({ model: 'alpha', messages: [], pad: '' });
      return body.replace('"pad":""', `"pad":"${'x'.repeat(n - body.length)}"`);
    };
    expectOk(await daemon.post(CHAT, sized(MAX_BODY)), 'exactly the limit');
    expectError(await daemon.post(CHAT, sized(MAX_BODY + 1)), 'body_too_large');
    expectError(await daemon.post(CHAT, sized(MAX_BODY + 1), { 'Content-Length': null, 'Transfer-Encoding': 'chunked' }), 'body_too_large', {}, 'chunked, no length');
    expectOk(await daemon.post(CHAT, sized(MAX_BODY), { 'Content-Length': null, 'Transfer-Encoding': 'chunked' }), 'chunked, exactly the limit');
    const announced = await wire(daemon.port, `POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9000000000\r\n\r\n{`);
    expectError(announced.responses[0] ?? { status: announced.how, headers: {} }, 'body_too_large', {}, 'announced only');
  });

  test('Content-Encoding on a request', async () => {
    const body = zlib.gzipSync(JSON.stringify({ model: 'alpha', messages: [] }));
    for (const coding of ['gzip', 'deflate', 'br', 'zstd']) {
      expectError(await daemon.post(CHAT, body, { 'Content-Encoding': coding }), 'unsupported_media_type', {}, coding);
    }
  });

  test('a foreign Host', async () => {
    for (const host of ['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example', 'xbox.example']) {
      for (const [method, path] of [['GET', '/v1/models'], ['GET', '/api/v1/profiles'], ['POST', CHAT]]) {
        const r = await daemon.send({ method, path, headers: { Host: host }, body: method === 'POST' ? { model: 'alpha', messages: [] } : undefined });
        expectError(r, 'forbidden_host', { message: new RegExp(host.split(':')[0].replaceAll('.', '\\.')) }, `${method} ${path} Host: ${host}`);
      }
    }
    for (const host of ['localhost', `localhost:${daemon.port}`, 'LOCALHOST', '127.0.0.1', `127.0.0.1:${daemon.port}`, '[::1]:8642', '192.168.7.7:8642', 'box.example', 'box.example:8642']) {
      expectOk(await daemon.get('/v1/models', { Host: host }), host);
    }
    assert.equal(up.requests.length, 0);
  });

  test('a model nobody has', async () => {
    for (const [path, more] of [[CHAT, { messages: [] }], ['/v1/completions', { prompt: 'x' }], ['/v1/embeddings', { input: 'x' }]]) {
      expectError(await daemon.post(path, { model: 'nobody', ...more }), 'model_not_found', { source: 'broker', message: /nobody/ }, path);
    }
    expectError(await daemon.get('/v1/models/nobody'), 'model_not_found');
    expectError(await daemon.chat({ model: 'ALPHA' }), 'model_not_found', {}, 'names are exact');
  });

  test('an unknown task and an unknown profile', async () => {
    expectError(await daemon.get('/api/v1/inference-tasks/00000000-0000-0000-0000-000000000000'), 'task_not_found');
    expectError(await daemon.get('/api/v1/inference-tasks/not-an-id'), 'task_not_found');
    expectError(await daemon.get('/api/v1/profiles/not-there'), 'profile_not_found');
  });

  test('a profile setting out of range', async () => {
    for (const [settings, param] of [[{ max_concurrent: -1 }, 'max_concurrent'], [{ max_concurrent: 10_001 }, 'max_concurrent'], [{ max_concurrent: 1.5 }, 'max_concurrent'],
      [{ max_concurrent: 'two' }, 'max_concurrent'], [{ max_queued: -1 }, 'max_queued'], [{ default_queue_wait_s: 0 }, 'default_queue_wait_s'],
      [{ default_inference_s: -3 }, 'default_inference_s'], [{ policy: 'coin-toss' }, 'policy'], [{ max_slots: 3 }, 'max_slots'],
      [{ aging: { workflow: 0 } }, 'aging.workflow'], [{ aging: { workflow: 1001 } }, 'aging.workflow'], [{ aging: { urgent: 1 } }, 'aging.urgent'], [{ aging: 3 }, 'aging'],
      [{ sjf: { max_bypass_s: -1 } }, 'sjf.max_bypass_s'], [{ swap: { max_bypass_s: 86_401 } }, 'swap.max_bypass_s'], [{ background_trickle: 10_001 }, 'background_trickle'],
      [{ preempt: 'workflow' }, 'preempt'], [{ preempt_budget: 1001 }, 'preempt_budget'],
      [{ max_concurrent: 2, reserve_interactive: 2 }, 'reserve_interactive']]) {
      expectError(await daemon.put('/api/v1/profiles/ranges', settings), 'invalid_request', { param }, JSON.stringify(settings));
    }
    expectError(await daemon.get('/api/v1/profiles/ranges'), 'profile_not_found', {}, 'a refused PUT makes nothing');
  });

  test('health answers', async () => {
    for (const path of ['/livez', '/health', '/readyz']) expectOk(await daemon.get(path), path);
  });
});

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

describe('keys', () => {
  let kept;
  const secrets = { owner: 'sk-alice-0123456789', plain: 'sk-bob-0123456789', low: 'sk-low-0123456789' };
  const sha256 = (text) => crypto.createHash('sha256').update(text).digest('hex');
  const as = (name) => ({ Authorization: `Bearer ${secrets[name]}` });
  before(async () => {
    kept = await startDaemon({
      config: {
        upstreams: [{ name: 'alpha', type: 'openai', url: up.url, models: ['alpha-7b'], capacity: 4 }],
        auth: {
          mode: 'keys',
          keys: [
            { id: 'a', owner: 'alice', sha256: sha256(secrets.owner), grants: ['tasks:create', 'tasks:view', 'calls:view', 'profiles:edit', 'profiles:view', 'llms:view'] },
            { id: 'b', owner: 'bob', sha256: sha256(secrets.plain), default_priority: 'background' },
            { id: 'c', owner: 'carol', sha256: sha256(secrets.low), max_priority: 'workflow' },
          ],
        },
      },
    });
  });
  after(() => kept?.stop());

  test('no key and a wrong key', async () => {
    const attempts = [{}, { Authorization: 'Bearer wrong' }, { Authorization: 'Bearer ' }, { Authorization: 'Basic c2s6eA==' }, { Authorization: secrets.owner }, { 'X-Api-Key': 'wrong' }, { 'X-Api-Key': sha256(secrets.owner) }];
    for (const headers of attempts) {
      for (const r of [await kept.chat({ model: 'alpha' }, headers), await kept.get('/v1/models', headers), await kept.get('/api/v1/profiles', headers)]) {
        const e = expectError(r, 'unauthorized', { source: 'broker' }, JSON.stringify(headers));
        assert.ok(!r.text.includes(secrets.owner) && !r.text.includes('wrong'), `no key in the answer: ${e.message}`);
      }
    }
    assert.equal(up.requests.length, 0);
  });

  test('both ways to send one', async () => {
    expectOk(await kept.chat({ model: 'alpha' }, as('owner')));
    expectOk(await kept.chat({ model: 'alpha' }, { 'X-Api-Key': secrets.plain }));
    expectOk(await kept.chat({ model: 'alpha' }, { authorization: `bearer ${secrets.plain}` }), 'the scheme in any case');
    for (const r of up.requests) assert.ok(!JSON.stringify(r.rawHeaders).includes('sk-'), 'no key goes to the backend');
  });

  test('health needs none', async () => {
    for (const path of ['/livez', '/health', '/readyz']) expectOk(await kept.get(path), path);
  });

  test('the key\'s default class and its highest class', async () => {
    const used = async (who, headers = {}, body = {}) => expectOk(await kept.chat({ model: 'alpha', ...body }, { ...as(who), ...headers })).headers['x-signalbox-priority'];
    assert.equal(await used('plain'), 'background', 'the key\'s default before the route\'s');
    assert.equal(await used('plain', { 'X-Signalbox-Priority': 'interactive' }), 'interactive');
    assert.equal(await used('plain', {}, { service_tier: 'priority' }), 'interactive');
    assert.equal(await used('low', { 'X-Signalbox-Priority': 'interactive' }), 'workflow', 'lowered to the key\'s highest');
    assert.equal(await used('low', { Priority: 'u=0' }), 'workflow');
    assert.equal(await used('low', {}, { service_tier: 'priority' }), 'workflow');
    assert.equal(await used('low', { 'X-Signalbox-Priority': 'background' }), 'background');
    assert.equal(await used('owner', { 'X-Signalbox-Priority': 'interactive' }), 'interactive');
  });

  test('what a key may not do is forbidden', async () => {
    expectError(await kept.get('/api/v1/calls', as('plain')), 'forbidden');
    expectError(await kept.put('/api/v1/profiles/x', { max_concurrent: 2 }, as('plain')), 'forbidden');
    expectOk(await kept.get('/api/v1/calls', as('owner')));
    expectOk(await kept.put('/api/v1/profiles/x', { max_concurrent: 2 }, as('owner')));
    expectOk(await kept.get('/api/v1/profiles', as('plain')), 'viewing profiles is everybody\'s');
    expectOk(await kept.get('/v1/models', as('plain')));
  });

  test('a task belongs to the key\'s owner', async () => {
    const mine = expectOk(await kept.chat({ model: 'alpha' }, as('plain'))).headers['x-signalbox-task'];
    assert.equal(expectOk(await kept.get(`/api/v1/inference-tasks/${mine}`, as('plain'))).json.owner, 'bob');
    expectError(await kept.get(`/api/v1/inference-tasks/${mine}`, as('low')), 'task_not_found', {}, 'another owner\'s id');
    const list = async (who) => expectOk(await kept.get('/api/v1/inference-tasks', as(who))).json.tasks.map((t) => t.id);
    assert.ok((await list('plain')).includes(mine));
    assert.ok(!(await list('low')).includes(mine));
    assert.ok((await list('owner')).includes(mine), 'tasks:view sees all');
  });

  test('idempotency keys are kept per owner', async () => {
    const headers = { 'Idempotency-Key': key() };
    const [a, b] = [expectOk(await kept.chat({ model: 'alpha' }, { ...as('plain'), ...headers })), expectOk(await kept.chat({ model: 'alpha', max_tokens: 1 }, { ...as('low'), ...headers }))];
    assert.notEqual(a.headers['x-signalbox-task'], b.headers['x-signalbox-task']);
  });
});

test('a wider bind without keys refuses to start', { timeout: 30_000 }, async () => {
  const d = new Daemon({ config: { http: { bind: '0.0.0.0' } }, dir: tempDir(), port: await freePort() });
  d.writeConfig();
  const r = await run(['serve', '--config', d.file], { cwd: d.dir, ms: 10_000 });
  assert.equal(r.late, false, 'it went on running');
  assert.ok(r.code > 0, `exit code ${r.code}`);
  assert.match(r.stderr, /auth|key/i, `stderr says why: ${r.stderr}`);
});

test('a silent stream is kept alive by a comment after 15 s', { timeout: 40_000 }, async () => {
  await until('": ping" after the first token', () => /(^|\n): ping\n/.test(stalled.text), { within: 25_000, every: 100, seen: () => stalled.text });
  const at = stalled.chunkTimes.at(-1) - stalled.chunkTimes[0];
  assert.ok(at >= 14_000, `after 15 s of silence, not ${at} ms`);
  silent.release();
  const r = await within('the stream\'s end', stalled.done);
  assert.equal(spoken(r.text), sentence(2));
  assert.ok(isDone(r.text));
});
