// What a caller reads from a call's headers and sets by them: every response header, where a priority comes from, budgets.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { CHAT, ContractHouse } from './support/contract_house.mjs';
import { expectError, expectOk, expectTaskHeaders, TASK_HEADERS } from './support/expect.mjs';

const house = new ContractHouse();
let up, daemon;
before(async () => { ({ up, daemon } = await house.start()); });
after(() => house.stop());
afterEach(() => house.reset());

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
