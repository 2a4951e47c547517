// Every refusal of the edge with its code and its shape.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { CHAT, ContractHouse, MAX_BODY } from './support/contract_house.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { wire } from './support/http.mjs';

const house = new ContractHouse();
let up, daemon;
before(async () => { ({ up, daemon } = await house.start()); });
after(() => house.stop());
afterEach(() => house.reset());

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
      [{ fair: { weights: { ann: 0 } } }, 'fair.weights.ann'], [{ fair: { weights: { 'a b': 1 } } }, 'fair.weights'], [{ fair: { shares: {} } }, 'fair.shares'],
      [{ fair: { weights: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`owner-${n}`, 2])) } }, 'fair.weights'],
      [{ sjf: { max_bypass_s: -1 } }, 'sjf.max_bypass_s'], [{ swap: { max_bypass_s: 86_401 } }, 'swap.max_bypass_s'], [{ swap: { hold_s: 3601 } }, 'swap.hold_s'], [{ swap: { min_batch: 1 } }, 'swap.min_batch'], [{ background_trickle: 10_001 }, 'background_trickle'],
      [{ preempt: 'workflow' }, 'preempt'], [{ preempt_budget: 1001 }, 'preempt_budget'],
      [{ tune_slots: { min: 5, max: 4 } }, 'tune_slots.min'], [{ tune_slots: { max: 10_001 } }, 'tune_slots.max'], [{ tune_slots: 4 }, 'tune_slots'],
      [{ max_concurrent: 2, reserve_interactive: 2 }, 'reserve_interactive']]) {
      expectError(await daemon.put('/api/v1/profiles/ranges', settings), 'invalid_request', { param }, JSON.stringify(settings));
    }
    expectError(await daemon.get('/api/v1/profiles/ranges'), 'profile_not_found', {}, 'a refused PUT makes nothing');
  });

  test('health answers', async () => {
    for (const path of ['/livez', '/health', '/readyz']) expectOk(await daemon.get(path), path);
  });
});
