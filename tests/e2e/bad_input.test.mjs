// Malformed requests on bare sockets. Each is answered by the contract's error or by a closed connection where there is no request to
// answer; none stops the daemon, hurts a neighbour, or reaches the backend. After every one the daemon still serves.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import net from 'node:net';
import { startDaemon } from './support/daemon.mjs';
import { expectErrorObject, expectOk } from './support/expect.mjs';
import { isDone, spoken, wire } from './support/http.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const CHAT = '/v1/chat/completions';
const BODY = JSON.stringify({ model: 'm', messages: [] });
const head = (lines, target = '/v1/models', method = 'GET') => `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;
const post = (lines, body = BODY, target = CHAT) => `${head(['Content-Type: application/json', ...lines], target, 'POST')}${body}`;
const sized = (body, target) => post([`Content-Length: ${Buffer.byteLength(body, 'latin1')}`], body, target);

/// name, bytes, what may come: a list of statuses; 'closed' = the connection may be closed without a word.
const HEADS = [
  ['nothing but noise', Buffer.from([0, 1, 2, 3, 255, 254, 13, 10, 13, 10]), [400, 'closed']],
  ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex'), [400, 'closed']],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 405, 505, 'closed']],
  ['HTTP/0.9', 'GET /v1/models\r\n\r\n', [400, 505, 'closed']],
  ['HTTP/7.3', 'GET /v1/models HTTP/7.3\r\nHost: localhost\r\n\r\n', [400, 505, 'closed']],
  ['no request line', '\r\n\r\n\r\n', [400, 'closed']],
  ['a request line of spaces', '    \r\nHost: localhost\r\n\r\n', [400, 'closed']],
  ['an unknown method', head([], '/v1/models', 'BREW'), [400, 405, 501]],
  ['CONNECT', 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n', [400, 404, 405, 501]],
  ['TRACE', head([], '/v1/models', 'TRACE'), [400, 405, 501]],
  ['a header without a colon', head(['NoColonHere']), [400]],
  ['a space before the colon', head(['X-Odd : 1']), [400]],
  ['a folded header', head(['X-Odd: 1\r\n  folded']), [400]],
  ['a header with a NUL', head(['X-Odd: a\0b']), [400]],
  ['a bare CR in a header', head(['X-Odd: a\rb']), [400]],
  ['an empty header name', head([': x']), [400]],
  ['no Host', 'GET /v1/models HTTP/1.1\r\n\r\n', [400, 403]],
  ['two Hosts', head(['Host: evil.example']), [400, 403]],
  ['an empty Host', 'GET /v1/models HTTP/1.1\r\nHost:\r\n\r\n', [400, 403]],
  ['a foreign absolute target', 'GET http://evil.example/v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n', [400, 403, 404]],
  ['a header line of 100 KB', head([`X-Long: ${'x'.repeat(100_000)}`]), [400, 413, 431]],
  ['two thousand headers', head(Array.from({ length: 2000 }, (_, i) => `X-N${i}: ${i}`)), [400, 413, 431]],
  ['a target of 20 KB', head([], `/v1/models/${'x'.repeat(20_000)}`), [400, 404, 414, 431]],
  ['a path that climbs', head([], '/v1/../../../etc/passwd'), [400, 404]],
  ['a climbing path, encoded', head([], '/v1/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd'), [400, 404]],
  ['a NUL in the path, encoded', head([], '/v1/models/%00'), [400, 404]],
  ['a broken escape in the path', head([], '/v1/models/%zz%4'), [400, 404]],
  ['a line break in the path, encoded', head([], '/v1/models/x%0d%0aX-Injected:%201'), [400, 404]],
  ['bytes that are no UTF-8 in the path', Buffer.concat([Buffer.from('GET /v1/models/'), Buffer.from([0xff, 0xfe]), Buffer.from(' HTTP/1.1\r\nHost: localhost\r\n\r\n')]), [400, 404]],
  ['a target that does not begin with /', 'GET v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n', [400, 404]],
];

const BODIES = [
  ['two lengths', post(['Content-Length: 5', `Content-Length: ${BODY.length}`]), [400]],
  ['a length and chunks', post([`Content-Length: ${BODY.length}`, 'Transfer-Encoding: chunked'], `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`), [400]],
  ['a negative length', post(['Content-Length: -1']), [400]],
  ['a length that is no number', post(['Content-Length: ten']), [400]],
  ['a length with a sign', post([`Content-Length: +${BODY.length}`]), [400]],
  ['a length past 2^64', post(['Content-Length: 184467440737095516160']), [400, 413]],
  ['a list of lengths', post([`Content-Length: ${BODY.length}, ${BODY.length}`]), [400]],
  ['no length at all, which is no body', post([], ''), [400]],
  ['an unknown transfer coding', post(['Transfer-Encoding: gzip']), [400, 415, 501]],
  ['chunked twice', post(['Transfer-Encoding: chunked, chunked'], '0\r\n\r\n'), [400, 501]],
  ['a chunk size that is no number', post(['Transfer-Encoding: chunked'], 'zz\r\nabc\r\n0\r\n\r\n'), [400]],
  ['a negative chunk size', post(['Transfer-Encoding: chunked'], `-5\r\n${BODY}\r\n0\r\n\r\n`), [400]],
  ['a chunk size past 2^64', post(['Transfer-Encoding: chunked'], `fffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`), [400, 413]],
  ['a chunk longer than it said', post(['Transfer-Encoding: chunked'], `2\r\n${BODY}\r\n0\r\n\r\n`), [400]],
  ['an unknown expectation', post(['Expect: 200-ok', `Content-Length: ${BODY.length}`]), [200, 417]],
  ['a body on GET', head([`Content-Length: ${BODY.length}`]) + BODY, [200, 400]],
];

const deep = (open, close, n) => open.repeat(n) + close.repeat(n);
const JSON_BODIES = [
  ['ten thousand arrays deep', `{"model":"m","messages":${deep('[', ']', 10_000)}}`, [400], 'invalid_json'],
  ['a hundred thousand objects deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, [400], 'invalid_json'],
  ['never closed, very deep', '['.repeat(1_000_000), [400], 'invalid_json'],
  ['a NUL inside', '{"model":"m\0","messages":[]}', [400], 'invalid_json'],
  ['bytes that are no UTF-8', '{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}', [400], 'invalid_json'],
  ['an overlong encoding', '{"model":"m","x":"\xc0\xaf"}', [400], 'invalid_json'],
  ['a broken escape', '{"model":"m","x":"\\u12g4"}', [400], 'invalid_json'],
  ['half a surrogate pair', '{"model":"m","messages":[],"x":"\\ud800"}', [200, 400]],
  ['a number past every range', '{"model":"m","messages":[],"temperature":1e400}', [200, 400]],
  ['NaN', '{"model":"m","temperature":NaN}', [400], 'invalid_json'],
  ['a comment', '{"model":"m" /* hello */}', [400], 'invalid_json'],
  ['single quotes', "{'model':'m'}", [400], 'invalid_json'],
  ['a byte order mark', '\xef\xbb\xbf{"model":"m","messages":[]}', [200, 400]],
  ['an empty body', '', [400], 'invalid_json'],
  ['two objects', `${BODY}${BODY}`, [400], 'invalid_json'],
  ['model twice', '{"model":"nobody","model":"m","messages":[]}', [200, 400, 404]],
  ['a model name of 10 KB', JSON.stringify({ model: 'x'.repeat(10_000) }), [400, 404]],
  ['a model name with control characters', JSON.stringify({ model: 'a\u0000b\u001b[31m' }), [400, 404]],
  ['stream as a number', '{"model":"m","messages":[],"stream":1}', [400], 'invalid_request'],
  ['service_tier as an object', '{"model":"m","messages":[],"service_tier":{}}', [200, 400]],
];

describe('malformed requests', { timeout: 180_000 }, () => {
  let up, daemon, pid;
  before(async () => {
    up = await startUpstream({ models: ['m'] });
    daemon = await startDaemon({ config: { upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 8 }] } });
    pid = daemon.pid;
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });

  /// The daemon is the same process and serves a call from end to end.
  const stillServes = async (name) => {
    assert.ok(daemon.alive, `after "${name}" the daemon is gone: ${JSON.stringify(daemon.exit)}\n${daemon.logs.slice(-2000)}`);
    assert.equal(daemon.pid, pid);
    expectOk(await daemon.chat({ model: 'm' }, {}, 15_000), `after "${name}"`);
  };
  const check = (r, allowed, code, name) => {
    const answer = r.responses[0];
    if (!answer) {
      assert.ok(allowed.includes('closed') && r.how !== 'timeout', `${name}: no answer (${r.how}), expected ${allowed}; got ${JSON.stringify(r.text.slice(0, 200))}`);
      return;
    }
    assert.ok(allowed.includes(answer.status), `${name}: status ${answer.status}, expected ${allowed}; ${answer.body.slice(0, 300)}`);
    if (answer.status >= 400) {
      assert.match(answer.headers['content-type'] ?? '', /^application\/json/, `${name}: an error is JSON: ${answer.body.slice(0, 200)}`);
      assert.ok(answer.json?.error, `${name}: ${answer.body.slice(0, 300)}`);
      expectErrorObject(answer.json.error, code ?? answer.json.error.code, { type: answer.json.error.type, withRequestId: false }, `${name}: ${answer.body.slice(0, 300)}`);
      assert.ok(answer.json.error.code, `${name}: a code`);
    }
    assert.equal(answer.headers['x-injected'], undefined, `${name}: a header was injected`);
    assert.ok(!/root:/.test(answer.body));
  };

  test('request lines and headers', async (t) => {
    for (const [name, bytes, allowed] of HEADS) {
      await t.test(name, async () => {
        check(await wire(daemon.port, bytes, { end: !bytes.includes('\r\n\r\n') }), allowed, undefined, name);
        await stillServes(name);
      });
    }
  });

  test('lengths and chunks', async (t) => {
    for (const [name, bytes, allowed] of BODIES) {
      await t.test(name, async () => {
        up.requests.length = 0;
        const r = await wire(daemon.port, bytes);
        check(r, allowed, undefined, name);
        if (r.responses[0]?.status >= 400) assert.equal(up.requests.length, 0, `${name}: it reached the backend`);
        await stillServes(name);
      });
    }
  });

  test('JSON', async (t) => {
    for (const [name, body, allowed, code] of JSON_BODIES) {
      await t.test(name, async () => {
        up.requests.length = 0;
        const r = await wire(daemon.port, sized(body));
        check(r, allowed, code, name);
        if (r.responses[0]?.status >= 400) assert.equal(up.requests.length, 0, `${name}: it reached the backend`);
        await stillServes(name);
      });
    }
  });

  test('every refusal has a request_id, also one made before the request was understood', async () => {
    const without = [];
    for (const [name, bytes] of [...HEADS, ...BODIES]) {
      const answer = (await wire(daemon.port, bytes, { end: !bytes.includes('\r\n\r\n') })).responses[0];
      if (answer?.status >= 400 && !(typeof answer.json?.error?.request_id === 'string' && answer.json.error.request_id)) without.push(`${answer.status} ${answer.json?.error?.code} (${name})`);
    }
    assert.deepEqual(without, [], 'refusals whose error.request_id is not a text');
    const given = await wire(daemon.port, post(['Content-Encoding: gzip', 'X-Request-Id: trace-7', 'Content-Length: 5'], 'abcde'));
    assert.equal(given.responses[0].json.error.request_id, 'trace-7', 'and a given one is kept');
  });

  test('an answer given before the body was read does not take the body for the next request', async () => {
    const smuggled = 'GET /v1/models/SMUGGLED HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (const first of [head([`Content-Length: ${smuggled.length}`], '/v1/nothing', 'POST'), post([`Content-Length: ${smuggled.length}`, 'Content-Encoding: gzip'], ''),
      `POST ${CHAT} HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: ${smuggled.length}\r\n\r\n`, head([`Content-Length: ${smuggled.length}`])]) {
      const r = await wire(daemon.port, first + smuggled, { answers: 2, ms: 1500 });
      assert.ok(r.responses.length >= 1, `an answer to ${first.split('\r\n')[0]}`);
      assert.ok(!/SMUGGLED/.test(r.text), `the body was taken for a request: ${r.text.slice(0, 600)}`);
    }
    await stillServes('smuggling');
  });

  test('two requests in one packet are answered in order', async () => {
    const r = await wire(daemon.port, head([], '/v1/models/m') + head([], '/v1/models/nobody') + head([], '/livez'), { answers: 3 });
    assert.deepEqual(r.responses.map((x) => x.status), [200, 404, 200], r.text);
  });

  test('Expect: 100-continue is answered', async () => {
    const r = await new Promise((resolve, reject) => {
      const socket = net.connect(daemon.port, '127.0.0.1');
      let text = '';
      socket.on('error', reject);
      socket.on('data', (b) => {
        text += b;
        if (/^HTTP\/1.1 100/.test(text) && !socket.bodySent) { socket.bodySent = true; socket.write(BODY); }
        if (/chat\.completion/.test(text)) { socket.destroy(); resolve(text); }
      });
      socket.setTimeout(8000, () => { socket.destroy(); reject(new Error(`no answer: ${text}`)); });
      socket.write(post(['Expect: 100-continue', `Content-Length: ${BODY.length}`], ''));
    });
    assert.match(r, /^HTTP\/1.1 100/);
  });

  test('a request in single bytes is a request', async () => {
    const text = sized(BODY);
    const r = await new Promise((resolve, reject) => {
      const socket = net.connect(daemon.port, '127.0.0.1');
      socket.setNoDelay(true);
      let got = '', i = 0;
      socket.on('error', reject);
      socket.on('data', (b) => { got += b; if (/chat\.completion/.test(got)) { socket.destroy(); resolve(got); } });
      socket.setTimeout(10_000, () => { socket.destroy(); reject(new Error(`no answer: ${got}`)); });
      const step = () => { if (i < text.length) socket.write(text[i++], () => setImmediate(step)); };
      step();
    });
    assert.match(r, /^HTTP\/1.1 200/);
  });

  test('thousand ranges do not make a small answer big', async () => {
    const plain = await wire(daemon.port, head([]));
    const r = await wire(daemon.port, head([`Range: bytes=${Array.from({ length: 1000 }, () => '0-').join(',')}`]));
    assert.ok(r.responses[0], r.how);
    assert.ok(r.bytes.length < plain.bytes.length + 2000, `${r.bytes.length} bytes for a list of ${plain.bytes.length}`);
    await stillServes('ranges');
  });

  test('request headers named like the library\'s own do not fool anybody', async () => {
    for (const line of ['REMOTE_ADDR: 6.6.6.6', 'LOCAL_PORT: 1', 'EXCEPTION_WHAT: boom', 'Transfer_Encoding: chunked']) {
      const r = await wire(daemon.port, head([line]));
      assert.ok([200, 400].includes(r.responses[0]?.status), `${line}: ${r.text.slice(0, 300)}`);
      assert.ok(!/EXCEPTION|6\.6\.6\.6/.test(r.text));
    }
    await stillServes('library headers');
  });

  test('a header value with an encoded line break stays one value', async () => {
    up.requests.length = 0;
    const r = await wire(daemon.port, post([`Content-Length: ${BODY.length}`, 'X-Request-Id: a%0d%0aX-Injected: 1', 'X-Signalbox-Description: b%0d%0aX-Injected: 2']));
    assert.ok(r.responses[0], r.how);
    assert.equal(r.responses[0].headers['x-injected'], undefined);
    for (const record of up.requests) assert.equal(record.headers['x-injected'], undefined, 'injected towards the backend');
    await stillServes('encoded line breaks');
  });

  test('bodies that end too soon leave nothing behind', async () => {
    for (let i = 0; i < 10; i++) {
      const socket = net.connect(daemon.port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((r) => socket.once('connect', r));
      await new Promise((r) => socket.write(post(['Content-Length: 5000'], BODY), r));
      if (i % 2) socket.resetAndDestroy(); else socket.destroy();
    }
    await stillServes('half bodies');
    await daemon.idle();
  });

  test('a hundred slow heads do not keep the others waiting', async () => {
    const sockets = Array.from({ length: 100 }, () => {
      const s = net.connect(daemon.port, '127.0.0.1');
      s.on('error', () => {});
      s.write('POST /v1/chat/completions HTTP/1.1\r\nHost: local');
      return s;
    });
    const bodies = Array.from({ length: 50 }, () => {
      const s = net.connect(daemon.port, '127.0.0.1');
      s.on('error', () => {});
      s.write(post(['Content-Length: 5000'], '{"mod'));
      return s;
    });
    try {
      for (let i = 0; i < 5; i++) {
        const r = expectOk(await daemon.chat({ model: 'm' }, {}, 10_000));
        assert.ok(r.tookMs < 3000, `a good call took ${r.tookMs} ms beside slow ones`);
        expectOk(await daemon.get('/livez'));
      }
    } finally {
      for (const s of [...sockets, ...bodies]) s.destroy();
    }
  });

  test('five hundred connections that say nothing', async () => {
    const sockets = Array.from({ length: 500 }, () => {
      const s = net.connect(daemon.port, '127.0.0.1');
      s.on('error', () => {});
      return s;
    });
    try {
      await Promise.all(sockets.map((s) => new Promise((r) => { s.once('connect', r); s.once('close', r); })));
      await stillServes('silent connections');
    } finally {
      for (const s of sockets) s.destroy();
    }
  });

  test('noise beside a running stream does not touch it', async () => {
    up.next({ tokens: 60, tokenDelayMs: 15 });
    const stream = daemon.openChat({ model: 'm', stream: true });
    await stream.firstByte;
    for (const [, bytes] of [...HEADS, ...BODIES]) await Promise.race([wire(daemon.port, bytes, { ms: 300, end: true }), stream.done]);
    const r = await within('the stream\'s end', stream.done, 15_000);
    assert.equal(spoken(r.text), sentence(60));
    assert.ok(isDone(r.text));
  });

  test('random bytes, seeded', async () => {
    let seed = 20261121;
    const random = (n) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed % n;
    };
    const good = sized(BODY);
    for (let i = 0; i < 150; i++) {
      const bytes = Buffer.from(good, 'latin1');
      for (let k = 0; k <= random(4); k++) bytes[random(bytes.length)] = random(256);
      const r = await wire(daemon.port, bytes.subarray(0, random(8) === 0 ? random(bytes.length) : bytes.length), { ms: 2000, end: true });
      if (r.responses[0]?.status >= 400) assert.ok(r.responses[0].json?.error?.code, `no error object for ${JSON.stringify(bytes.toString('latin1'))}: ${r.text.slice(0, 300)}`);
      assert.ok(daemon.alive, `gone after ${JSON.stringify(bytes.toString('latin1'))}\n${daemon.logs.slice(-2000)}`);
    }
    await stillServes('random bytes');
  });

  test('in the end: the same process, no memory kept, nothing left running', async () => {
    assert.equal(daemon.pid, pid);
    await until('idle', () => daemon.idle());
    if (!/asan|tsan/.test(daemon.bin)) assert.ok(daemon.rssMib() < 200, `resident memory ${daemon.rssMib().toFixed(0)} MiB`);
    await until('the backend has nothing open', () => up.inFlight === 0);
  });
});
