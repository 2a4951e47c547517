// What fails before the first byte is tried again, on another backend first; what fails after it is told and not restarted; a
// backend's 4xx is an answer; a backend known to be down is waited for.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectErrorObject, expectOk, expectOnTime, expectRetryAfter, expectTaskHeaders } from './support/expect.mjs';
import { isDone, spoken, streamError } from './support/http.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const MODEL = 'shared-model';
const LONG = 60_000;

describe('a pool of two', { timeout: 240_000 }, () => {
  let a, b, daemon;
  const arrivals = () => [...a.requests, ...b.requests];
  before(async () => {
    [a, b] = [await startUpstream({ models: [MODEL], name: 'a', keepAlive: false }), await startUpstream({ models: [MODEL], name: 'b', keepAlive: false })];
    daemon = await startDaemon({
      config: {
        upstreams: [{ name: 'a', url: a.url, type: 'openai', models: [MODEL], pool: 'two', capacity: 4 }, { name: 'b', url: b.url, type: 'openai', models: [MODEL], pool: 'two', capacity: 4 }],
      },
    });
  });
  after(async () => {
    await daemon?.stop();
    await a?.stop();
    await b?.stop();
  });
  afterEach(async () => {
    for (const u of [a, b]) if (!u.up) await u.start();
    await a.reset();
    await b.reset();
    await until('both backends are in use again', async () => {
      expectOk(await daemon.chat({ model: 'two' }, { 'X-Signalbox-Queue-Wait-S': '40' }, LONG));
      const held = [a, b].map((u) => { u.always = { hold: true }; return u; });
      const calls = Array.from({ length: 8 }, () => daemon.openChat({ model: 'two' }));
      try {
        await until('each has some', () => held.every((u) => u.inFlight > 0), { within: 1500 });
        return true;
      } finally {
        for (const u of held) { u.always = {}; u.release(); }
        await Promise.all(calls.map((c) => c.done));
        await a.reset();
        await b.reset();
      }
    }, { within: 45_000, every: 100 });
    await daemon.idle();
  });

  /// The next request at either backend gets `behaviour`, the ones after it a good answer.
  const firstFails = (behaviour) => {
    let used = false;
    const choose = () => {
      if (used) return {};
      used = true;
      return behaviour;
    };
    a.always = choose;
    b.always = choose;
  };

  for (const [name, behaviour] of [['500', { status: 500 }], ['503 while loading', { status: 503, body: { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } } }],
    ['429', { status: 429, headers: { 'retry-after': '1' } }], ['a cut before any answer', { cut: 'head' }]]) {
    for (const stream of [false, true]) {
      test(`${name} on one goes to the other (${stream ? 'stream' : 'plain'})`, async () => {
        firstFails(behaviour);
        const r = expectOk(await daemon.chat({ model: 'two', stream }, {}, LONG));
        assert.equal(arrivals().length, 2, 'two tries');
        assert.deepEqual([a.requests.length, b.requests.length], [1, 1], 'the second on the other backend');
        const winner = [a, b].find((u) => u.requests[0].state === 'done' && u.requests[0].behaviour.status === undefined && !u.requests[0].behaviour.cut);
        expectTaskHeaders(r, { attempts: '2', backend: winner.name, profile: 'openai_compat:two' });
        assert.equal(stream ? spoken(r.text) : r.json.choices[0].message.content, sentence(4));
        const row = await daemon.taskWhen(r.headers['x-signalbox-task'], 'completed', (t) => t.status === 'completed');
        assert.deepEqual([row.attempts, row.llm ?? winner.name, row.error], [2, row.llm === null ? winner.name : row.llm, null]);
      });
    }
  }

  test('a stream that is cut after the head but before its first event is tried again', async () => {
    firstFails({ cut: 'body' });
    const r = expectOk(await daemon.chat({ model: 'two', stream: true }, {}, LONG));
    assert.equal(spoken(r.text), sentence(4));
    assert.ok(isDone(r.text));
    assert.equal(r.headers['x-signalbox-attempts'], '2');
  });

  test('a plain answer that is cut in the middle is tried again: its caller has had nothing', async () => {
    firstFails({ cut: 'body' });
    const r = expectOk(await daemon.chat({ model: 'two' }, {}, LONG));
    assert.equal(r.json.choices[0].message.content, sentence(4));
    assert.equal(r.headers['x-signalbox-attempts'], '2');
  });

  test('a backend that refuses connections: the other serves, and no caller sees it', async () => {
    const attempts = [];
    for (const down of [a, b]) {
      await down.stop();
      for (let i = 0; i < 3; i++) {
        const r = expectOk(await daemon.chat({ model: 'two' }, { 'X-Signalbox-Queue-Wait-S': '40' }, LONG), `${down.name} is down`);
        assert.equal(r.headers['x-signalbox-backend'], down === a ? 'b' : 'a');
        attempts.push(+r.headers['x-signalbox-attempts']);
      }
      await down.start();
      await until(`${down.name} is used again`, async () => {
        const before_ = down.requests.length;
        const calls = Array.from({ length: 8 }, () => daemon.chat({ model: 'two' }));
        await Promise.all(calls);
        return down.requests.length > before_;
      }, { within: 40_000, every: 200 });
    }
    assert.ok(attempts.every((x) => x === 1 || x === 2), `attempts: ${attempts}`);
  });

  test('a 4xx is the backend\'s answer: no second try', async () => {
    for (const status of [400, 401, 403, 404, 409, 422]) {
      await a.reset();
      await b.reset();
      const body = { error: { message: `no, because ${status}`, type: 'odd_type', code: status, extra: { n: [1, 2] } } };
      for (const u of [a, b]) u.always = { status, body };
      for (const stream of [false, true]) {
        const r = await daemon.chat({ model: 'two', stream }, {}, LONG);
        expectError(r, 'backend_error', { status, source: 'backend', backend_status: status, backend_body: body, message: new RegExp(`no, because ${status}`) }, `${status} stream ${stream}`);
        expectTaskHeaders(r, { attempts: '1' });
      }
      assert.equal(arrivals().length, 2);
    }
  });

  test('a 4xx whose body is no JSON', async () => {
    for (const u of [a, b]) u.always = { status: 404, body: '<html>nginx says no</html>', headers: { 'content-type': 'text/html' } };
    expectError(await daemon.chat({ model: 'two' }), 'backend_error', { status: 404, backend_status: 404 });
  });

  test('always 500: three attempts, then backend_error 502', async () => {
    for (const u of [a, b]) u.always = { status: 500, body: { error: { message: 'out of memory', type: 'server_error', code: 500 } } };
    const r = await daemon.chat({ model: 'two' }, {}, LONG);
    expectError(r, 'backend_error', { status: 502, source: 'backend', backend_status: 500 });
    assert.equal(r.headers['x-signalbox-attempts'], '3');
    assert.equal(arrivals().length, 3);
    assert.ok(a.requests.length >= 1 && b.requests.length >= 1, 'both were asked');
    const row = await daemon.taskWhen(r.headers['x-signalbox-task'], 'error', (t) => t.status === 'error');
    assert.deepEqual([row.attempts, row.error.code], [3, 'backend_error']);
    assert.ok(row.error.message);
  });

  test('always 429: the backend\'s own status at the end', async () => {
    for (const u of [a, b]) u.always = { status: 429 };
    const r = await daemon.chat({ model: 'two', stream: true }, {}, LONG);
    expectError(r, 'backend_error', { status: 429, source: 'backend', backend_status: 429 });
    assert.equal(r.headers['x-signalbox-attempts'], '3');
  });

  test('always cut: backend_stream_failed 502', async () => {
    for (const u of [a, b]) u.always = { cut: 'head' };
    const r = await daemon.chat({ model: 'two' }, {}, LONG);
    expectError(r, 'backend_stream_failed');
    assert.equal(r.headers['x-signalbox-attempts'], '3');
  });

  for (const [name, behaviour, words] of [['is cut', { tokens: 6, cut: 3 }, 3], ['ends without [DONE]', { tokens: 3, noDone: true }, 3]]) {
    test(`a stream that ${name} after its first byte: an error event, no [DONE], no second try`, async () => {
      for (const u of [a, b]) u.always = behaviour;
      const call = daemon.openChat({ model: 'two', stream: true }, { 'X-Signalbox-Description': `mid-stream ${name}` });
      const r = await within('the end', call.done);
      assert.equal(r.status, 200);
      assert.equal(spoken(r.text), sentence(words), 'what came stays');
      expectErrorObject(streamError(r.text) ?? {}, 'backend_stream_failed', {}, r.text);
      assert.equal(isDone(r.text), false, `no [DONE]: ${r.text}`);
      assert.equal(arrivals().length, 1);
      const row = await daemon.taskWhen(r.headers['x-signalbox-task'], 'error', (t) => t.status === 'error');
      assert.equal(row.error.code, 'backend_stream_failed');
      const [callRow] = await daemon.callsWhen(`mid-stream ${name}`, 'ended');
      assert.deepEqual([callRow.status, callRow.error_kind], ['error', 'backend_stream_failed']);
    });
  }

  test('a backend\'s own error event in mid-stream reaches the caller, and no [DONE]', async () => {
    for (const u of [a, b]) u.always = { tokens: 6, errorEvent: 2 };
    const r = await within('the end', daemon.openChat({ model: 'two', stream: true }).done);
    assert.equal(spoken(r.text), sentence(2));
    assert.ok(streamError(r.text), r.text);
    assert.equal(isDone(r.text), false);
    await daemon.taskWhen(r.headers['x-signalbox-task'], 'error', (t) => t.status === 'error');
  });

  test('a stream asked for and answered by something else is passed on as what it is, or refused; never as a whole stream', async () => {
    for (const u of [a, b]) u.always = { raw: ['<html>it works!</html>'], contentType: 'text/html' };
    const plain = await daemon.chat({ model: 'two' }, {}, LONG);
    assert.ok([200, 502].includes(plain.status), `passed on or refused, got ${plain.status} ${plain.text}`);
    const stream = await within('the end', daemon.openChat({ model: 'two', stream: true }).done, LONG);
    assert.equal(isDone(stream.text), false);
    if (stream.status === 200 && /event-stream/.test(stream.headers['content-type'])) assert.ok(streamError(stream.text), `a stream without [DONE] has failed: ${stream.text}`);
    else if (stream.status === 200) assert.deepEqual([stream.text, stream.headers['content-type']], ['<html>it works!</html>', 'text/html']);
    else expectError(stream, 'backend_stream_failed');
  });

  test('a stream with nothing but comments has had no first byte: tried again', async () => {
    firstFails({ raw: [': loading\n\n', ': still\n\n'] });
    const r = expectOk(await daemon.chat({ model: 'two', stream: true }, {}, LONG));
    assert.equal(spoken(r.text), sentence(4));
    assert.equal(r.headers['x-signalbox-attempts'], '2');
  });

  test('a stream whose last event is cut in the middle has failed, and half an event is not passed on', async () => {
    for (const u of [a, b]) u.always = { raw: ['data: {"choices":[{"index":0,"delta":{"content":"whole"}}]}\n\ndata: {"choices":[{"index":0,"del'] };
    const r = await within('the end', daemon.openChat({ model: 'two', stream: true }).done);
    assert.equal(spoken(r.text), 'whole');
    expectErrorObject(streamError(r.text) ?? {}, 'backend_stream_failed', {}, r.text);
    assert.equal(isDone(r.text), false);
  });
});

describe('one backend alone', { timeout: 240_000 }, () => {
  let up, daemon;
  before(async () => {
    up = await startUpstream({ models: [MODEL], name: 'solo', keepAlive: false });
    daemon = await startDaemon({ config: { upstreams: [{ name: 'solo', url: up.url, type: 'openai', models: [MODEL], capacity: 4 }] } });
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });

  test('it is asked again after a pause', async () => {
    up.next({ status: 500 }, { cut: 'head' });
    const r = expectOk(await daemon.chat({ model: 'solo' }, { 'X-Signalbox-Queue-Wait-S': '40', 'X-Signalbox-Description': 'third time' }, LONG));
    expectTaskHeaders(r, { attempts: '3', backend: 'solo' });
    assert.equal(up.requests.length, 3);
    assert.ok(up.requests[1].at - up.requests[0].at >= 10, 'not in the same breath');
    assert.equal((await daemon.callsWhen('third time', 'ended'))[0].status, 'ok', 'one row for the call, not one per try');
    await up.reset();
  });

  test('down: backend_unreachable, then known to be down: the call waits its queue budget; back again: it is served', async () => {
    await up.stop();
    const first = await daemon.chat({ model: 'solo' }, { 'X-Signalbox-Queue-Wait-S': '30' }, LONG);
    expectError(first, 'backend_unreachable', {});
    await until('it is known to be down', async () => (await daemon.json('/api/v1/llms')).llms.find((l) => l.name === 'solo').status === 'inactive', { within: 15_000 })
      .catch((e) => { if (!/status 404/.test(e.message)) throw e; });
    const second = await daemon.chat({ model: 'solo' }, { 'X-Signalbox-Queue-Wait-S': '0.8' }, LONG);
    expectError(second, 'queue_wait_timeout', { profile: 'openai_compat:shared-model', queue_wait_s: 0.8 });
    expectRetryAfter(second);
    expectOnTime(second.tookMs, 800);
    const patient = daemon.openChat({ model: 'solo' }, { 'X-Signalbox-Queue-Wait-S': '60' });
    const stream = daemon.openChat({ model: 'solo', stream: true }, { 'X-Signalbox-Queue-Wait-S': '60' });
    await daemon.profileWhen('openai_compat:shared-model', 'both wait', (p) => p.waiting.workflow + p.in_flight >= 2);
    assert.equal(expectOk(await daemon.get('/readyz')).status, 200, 'the daemon itself is well');
    await up.start();
    expectOk(await within('served once the backend is back', patient.done, LONG));
    const s = await within('so is the stream', stream.done, LONG);
    assert.equal(spoken(s.text), sentence(4));
    assert.ok(isDone(s.text));
  });
});

test('a backend that was never there: the call waits its queue budget', { timeout: 60_000 }, async () => {
  const up = await startUpstream({ models: [MODEL] });
  await up.stop();
  const daemon = await startDaemon({ config: { upstreams: [{ name: 'ghost', url: up.url, type: 'openai', models: [MODEL] }] } });
  try {
    await until('the outage is known', async () => {
      const r = await daemon.chat({ model: 'ghost' }, { 'X-Signalbox-Queue-Wait-S': '0.5' }, 30_000);
      if (r.status === 502) return false;
      expectError(r, 'queue_wait_timeout', { queue_wait_s: 0.5 });
      return true;
    }, { within: 30_000 });
    assert.ok((await daemon.json('/v1/models')).data, 'the model list answers all the same');
    await up.start();
    expectOk(await daemon.chat({ model: 'ghost' }, { 'X-Signalbox-Queue-Wait-S': '60' }, 70_000));
  } finally {
    await daemon.stop();
    await up.stop();
  }
});

test('an idle connection that the backend has closed is no failure of the call', { timeout: 60_000 }, async () => {
  const up = await startUpstream({ models: [MODEL] });
  const daemon = await startDaemon({ config: { upstreams: [{ name: 'm', url: up.url, type: 'openai', models: [MODEL] }] } });
  try {
    for (let i = 0; i < 5; i++) {
      expectOk(await daemon.chat({ model: 'm' }));
      for (const s of up.sockets) s.destroy();
      const r = expectOk(await daemon.chat({ model: 'm', stream: i % 2 === 0 }));
      assert.equal(r.headers['x-signalbox-attempts'], '1', 'no attempt was made on a connection that was gone');
    }
    for (let i = 0; i < 3; i++) {
      up.next({}, { cut: 'head' });            // the backend closes just as the next call goes out on the kept connection
      expectOk(await daemon.chat({ model: 'm' }));
      expectOk(await daemon.chat({ model: 'm' }, {}, LONG));
    }
  } finally {
    await daemon.stop();
    await up.stop();
  }
});
