// Big, many and slow: bodies up to the limit pass whole in both directions, hundreds of streams run side by side, and a reader that
// does not read loses its own stream and nobody else's.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { isDone, open, spoken } from './support/http.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const MIB = 1024 * 1024;
const CHAT = '/v1/chat/completions';
const sha = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

describe('big, many and slow', { timeout: 150_000 }, () => {
  let up, daemon;
  before(async () => {
    up = await startUpstream({ models: ['m'] });
    daemon = await startDaemon({
      config: { upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 400 }], inference: { profiles: { 'openai_compat:m': { max_queued: 1000, default_queue_wait_s: 60 } } } },
    });
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });
  afterEach(async () => {
    await up.reset();
    await daemon.idle({ within: 15_000 });
  });

  test('a request of 10 MiB, the default limit, reaches the backend whole; one byte more does not', async () => {
    const of = (n) => {
      const front = '{"model":"m","messages":[{"role":"user","content":"';
      return `${front}${'word '.repeat(n).slice(0, n - front.length - 4)}"}]}`;
    };
    const body = of(10 * MIB);
    assert.equal(body.length, 10 * MIB);
    expectOk(await daemon.post(CHAT, body, {}, 60_000));
    assert.equal(sha(up.requests[0].text), sha(body));
    expectError(await daemon.post(CHAT, of(10 * MIB + 1), {}, 60_000), 'body_too_large');
    assert.equal(up.requests.length, 1);
  });

  test('a plain answer of 9 MiB comes back whole, and again by its key', async () => {
    const answer = JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(9 * MIB) }, finish_reason: 'stop' }] });
    up.next({ status: 200, body: answer });
    const headers = { 'Idempotency-Key': crypto.randomUUID() };
    for (const time of ['first', 'again']) assert.equal(sha(expectOk(await daemon.chat({ model: 'm' }, headers, 60_000)).bytes), sha(answer), time);
    assert.equal(up.requests.length, 1);
  });

  test('an embedding answer of many vectors comes back byte for byte', async () => {
    const answer = JSON.stringify({ object: 'list', model: 'm', data: Array.from({ length: 64 }, (_, index) => ({ object: 'embedding', index, embedding: Array.from({ length: 1024 }, (_, i) => Math.sin(index * 1024 + i)) })) });
    up.next({ status: 200, body: answer });
    const r = expectOk(await daemon.post('/v1/embeddings', { model: 'm', input: Array.from({ length: 64 }, (_, i) => `text ${i}`) }));
    assert.equal(sha(r.bytes), sha(answer));
  });

  test('a stream of 20,000 events comes through whole and in order', async () => {
    const event = (i) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `${i} ` } }] })}\n\n`;
    const blocks = Array.from({ length: 40 }, (_, b) => Array.from({ length: 500 }, (_, i) => event(b * 500 + i)).join(''));
    up.next({ raw: [...blocks, 'data: [DONE]\n\n'], tokenDelayMs: 1 });
    const r = expectOk(await within('the end', daemon.openChat({ model: 'm', stream: true }).done, 30_000));
    assert.equal(sha(r.bytes), sha([...blocks, 'data: [DONE]\n\n'].join('')));
  });

  test('one event of 2 MiB', async () => {
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'y'.repeat(2 * MIB) } }] })}\n\n`;
    up.next({ raw: [event, 'data: [DONE]\n\n'] });
    const r = expectOk(await within('the end', daemon.openChat({ model: 'm', stream: true }).done, 30_000));
    assert.equal(sha(r.bytes), sha(`${event}data: [DONE]\n\n`));
  });

  test('three hundred streams side by side, each with its own words', async () => {
    up.always = { tokens: 12, tokenDelayMs: 20, hold: true };
    const streams = Array.from({ length: 300 }, (_, i) => daemon.openChat({ model: 'm', stream: true, max_tokens: 1 + (i % 12) }));
    await until('all are on their way at once', () => up.inFlight === 300, { within: 40_000, seen: () => up.inFlight });
    up.always = { tokens: 12, tokenDelayMs: 20 };
    up.release();
    for (const [i, c] of streams.entries()) {
      const r = expectOk(await within(`stream ${i}`, c.done, 40_000), `stream ${i}`);
      assert.equal(spoken(r.text), sentence(1 + (i % 12)), `stream ${i}`);
      assert.ok(isDone(r.text), `stream ${i}`);
    }
    const tasks = new Set(streams.map((c) => c.response.headers['x-signalbox-task']));
    assert.equal(tasks.size, 300);
  });

  test('six hundred plain calls at once: all served, none twice', async () => {
    up.always = { tokens: 1, tokenDelayMs: 1 };
    const calls = Array.from({ length: 600 }, (_, i) => open(daemon.port, { path: CHAT, body: { model: 'm', messages: [{ role: 'user', content: `${i}` }] } }));
    for (const c of calls) expectOk(await within('served', c.done, 40_000));
    const seen = up.requests.map((r) => r.body.messages[0].content);
    assert.equal(seen.length, 600);
    assert.equal(new Set(seen).size, 600);
  });

  test('a reader that does not read loses its stream; its slot is free and the neighbours are untouched', async () => {
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'z'.repeat(60_000) } }] })}\n\n`;
    up.always = (record) => (record.body.messages.length ? { tokens: 50, tokenDelayMs: 20 } : { raw: Array(1500).fill(event), tokenDelayMs: 1 });
    const before_ = daemon.rssMib();
    const body = JSON.stringify({ model: 'm', stream: true, messages: [] });
    const socket = net.connect(daemon.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.pause();
    socket.write(`POST ${CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nX-Signalbox-Description: never reads\r\n\r\n${body}`);
    try {
      await up.arrived(1);
      const neighbour = daemon.openChat({ model: 'm', stream: true });
      const r = await within('the neighbour ends', neighbour.done, 15_000);
      assert.equal(spoken(r.text), sentence(50));
      assert.ok(isDone(r.text));
      await daemon.callsWhen('never reads', 'ended', { within: 20_000 });
      await until('the backend was told to stop', () => up.requests[0].state === 'aborted', { within: 10_000 });
      assert.ok(daemon.rssMib() < before_ + 60, `buffers are bounded: ${before_.toFixed(0)} -> ${daemon.rssMib().toFixed(0)} MiB for a stream of 90 MB`);
    } finally {
      socket.destroy();
    }
  });
});
