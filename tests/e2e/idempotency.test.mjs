// The header Idempotency-Key: who repeats a call gets the first one's answer, whatever became of it.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { CHAT, ContractHouse } from './support/contract_house.mjs';
import { expectError, expectOk, expectTaskHeaders } from './support/expect.mjs';
import { isDone, open, payloads, send, spoken } from './support/http.mjs';
import { sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const house = new ContractHouse();
let up, daemon;
before(async () => { ({ up, daemon } = await house.start()); });
after(() => house.stop());
afterEach(() => house.reset());

const key = () => `key-${crypto.randomUUID()}`;

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
