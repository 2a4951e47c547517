// A caller that goes away gives its place back, at every stage, streamed or plain: the slot is free at once, the backend is told to
// stop, the neighbours notice nothing, the call row says `cancelled`. With an Idempotency-Key the task goes on and the key finds it.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import { startDaemon } from './support/daemon.mjs';
import { expectOk } from './support/expect.mjs';
import { isDone, spoken } from './support/http.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

/// From a caller's leaving to the backend's seeing it. The daemon does it in milliseconds; the rest is room for a busy machine.
const SOON_FREE = 10_000;

for (const type of ['openai', 'llamacpp']) {
  describe(`the caller leaves (upstream of type ${type})`, { timeout: 120_000 }, () => {
    let up, daemon, n = 0;
    const PROFILE = 'openai_compat:m';
    before(async () => {
      up = await startUpstream({ models: ['m'], name: type });
      daemon = await startDaemon({ config: { upstreams: [{ name: 'm', type, url: up.url, models: ['m'], capacity: 8 }], inference: { profiles: { [PROFILE]: { max_concurrent: 2 } } } } });
    });
    after(async () => {
      await daemon?.stop();
      await up?.stop();
    });
    afterEach(async () => {
      await up.reset();
      await daemon.idle({ within: 15_000 });
    });
    const call = (body, headers = {}) => {
      const description = `${type} leaver ${++n}`;
      return Object.assign(daemon.openChat({ model: 'm', messages: [{ role: 'user', content: description }], ...body }, { 'X-Signalbox-Description': description, ...headers }), { description });
    };
    const recordOf = (c) => up.requests.find((r) => r.body?.messages[0].content === c.description);
    const cancelled = async (c) => {
      const [row] = await daemon.callsWhen(c.description, 'ended', { within: SOON_FREE });
      assert.equal(row.status, 'cancelled', JSON.stringify(row));
      return row;
    };

    for (const stream of [false, true]) {
      const kind = stream ? 'stream' : 'plain call';

      test(`${kind}, waiting in the queue`, async () => {
        up.always = { hold: true };
        const running = [call({}), call({})];
        await up.arrived(2);
        const [leaver, behind] = [call({ stream }), call({ stream })];
        await daemon.profileWhen(PROFILE, 'two wait', (p) => p.waiting.workflow === 2);
        leaver.abort();
        const p = await daemon.profileWhen(PROFILE, 'one waits', (x) => x.waiting.workflow === 1, { within: SOON_FREE });
        assert.equal(p.in_flight, 2, 'those that run go on');
        const row = await cancelled(leaver);
        assert.equal(row.admitted_at, null, 'it was never admitted');
        up.always = {};
        up.release();
        for (const c of [...running, behind]) expectOk(await within('the others are served', c.done));
        assert.equal(recordOf(leaver), undefined, 'it reached no backend');
      });

      test(`${kind}, waiting for the backend's first byte`, async () => {
        up.next({ hold: true }, { tokens: 20, stallAfter: 3 });
        const leaver = call({ stream });
        await until('it runs', () => recordOf(leaver));
        const neighbour = call({ stream: true });
        await neighbour.firstByte;
        const behind = call({});
        await daemon.profileWhen(PROFILE, 'one waits', (p) => p.waiting.workflow === 1);
        const leftAt = Date.now();
        leaver.abort();
        await until('the backend sees it', () => recordOf(leaver).state === 'aborted', { within: SOON_FREE });
        expectOk(await within('the next has its slot', behind.done, SOON_FREE));
        assert.ok(Date.now() - leftAt < SOON_FREE);
        const row = await cancelled(leaver);
        assert.ok(row.admitted_at && !row.first_token_at, JSON.stringify(row));
        up.release();
        const whole = await within('the neighbour ends', neighbour.done);
        assert.equal(spoken(whole.text), sentence(20), 'the neighbour has all its words');
        assert.ok(isDone(whole.text));
      });

      test(`${kind}, while the backend speaks`, async () => {
        up.next({ tokens: 400, tokenDelayMs: 10 }, { tokens: 60, tokenDelayMs: 10 });
        const leaver = call({ stream });
        await until('the backend speaks', () => recordOf(leaver)?.tokensSent >= 3);
        if (stream) await until('its words arrive', () => spoken(leaver.text).length > 0);
        const neighbour = call({ stream: true });
        await neighbour.firstByte;
        leaver.abort();
        await until('the backend sees it', () => recordOf(leaver).state === 'aborted', { within: SOON_FREE });
        assert.ok(recordOf(leaver).tokensSent < 390, `stopped long before its end, at ${recordOf(leaver).tokensSent} of 400`);
        await cancelled(leaver);
        const whole = await within('the neighbour ends', neighbour.done);
        assert.equal(spoken(whole.text), sentence(60));
        assert.ok(isDone(whole.text));
        await daemon.profileWhen(PROFILE, 'nothing in flight', (p) => p.in_flight === 0);
      });

      test(`${kind} with an Idempotency-Key goes on, and the key finds it`, async () => {
        up.next({ tokens: 6, stallAfter: 2, hold: !stream });
        const headers = { 'Idempotency-Key': crypto.randomUUID() };
        const leaver = call({ stream }, headers);
        const record = await until('it runs', () => recordOf(leaver));
        if (stream) await leaver.firstByte;
        leaver.abort();
        const seenGone = Date.now() + 400;
        await until('time for a wrong abort', async () => Date.now() > seenGone && (await daemon.profile(PROFILE)).in_flight === 1);
        assert.equal(record.state, 'open', 'the backend was told to stop');
        const again = daemon.openChat({ model: 'm', messages: [{ role: 'user', content: leaver.description }], stream }, headers);
        record.release();
        await until('released after the stall too', () => { record.release(); return record.closed; });
        const r = expectOk(await within('the repeat is answered', again.done));
        if (stream) {
          assert.equal(spoken(r.text), sentence(6));
          assert.ok(isDone(r.text));
        } else {
          assert.equal(r.json.choices[0].message.content, sentence(6));
        }
        assert.equal(up.requests.length, 1, 'the backend was asked once');
        const row = await daemon.taskWhen(r.headers['x-signalbox-task'], 'completed', (t) => t.status === 'completed');
        assert.equal(row.attempts, 1);
      });

      test(`${kind} with an Idempotency-Key, left in the queue, still runs`, async () => {
        up.next({ hold: true }, { hold: true });
        const running = [call({}), call({})];
        await up.arrived(2);
        const headers = { 'Idempotency-Key': crypto.randomUUID() };
        const leaver = call({ stream }, headers);
        await daemon.profileWhen(PROFILE, 'one waits', (p) => p.waiting.workflow === 1);
        leaver.abort();
        await daemon.get('/livez');
        up.release();
        for (const c of running) expectOk(await within('the others are served', c.done));
        await until('it runs all the same', () => recordOf(leaver));
        const r = expectOk(await within('the key finds it', daemon.openChat({ model: 'm', messages: [{ role: 'user', content: leaver.description }], stream }, headers).done));
        assert.equal(stream ? spoken(r.text) : r.json.choices[0].message.content, sentence(4));
        assert.equal(up.requests.length, 3);
      });
    }

    test('a caller that only closes its sending side and then resets is gone too', async () => {
      up.next({ hold: true });
      const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'reset' }] });
      const socket = net.connect(daemon.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await up.arrived(1);
      socket.resetAndDestroy();
      await until('the backend sees it', () => up.requests[0].state === 'aborted', { within: SOON_FREE });
    });

    test('twenty leave at once out of twenty-two: the two others are served whole', async () => {
      up.always = (record) => (record.body.messages[0].content === 'stays' ? { tokens: 40, tokenDelayMs: 10 } : { tokens: 2000, tokenDelayMs: 10 });
      const PLACE = { 'X-Signalbox-Profile': 'crowd' };
      await daemon.put('/api/v1/profiles/crowd', { max_concurrent: 8, max_queued: 64 });
      const stay = () => daemon.openChat({ model: 'm', stream: true, messages: [{ role: 'user', content: 'stays' }] }, PLACE);
      const first = stay();
      await first.firstByte;
      const leavers = Array.from({ length: 20 }, (_, i) => call({ stream: i % 2 === 0 }, PLACE));
      await daemon.profileWhen('crowd', 'eight run, thirteen wait', (p) => p.in_flight === 8 && p.waiting.workflow === 13);
      const second = stay();
      await daemon.profileWhen('crowd', 'fourteen wait', (p) => p.waiting.workflow === 14 || p.in_flight < 8);
      for (const c of leavers) c.abort();
      for (const c of [first, second]) {
        const r = await within('the stayer ends', c.done, 15_000);
        assert.equal(spoken(r.text), sentence(40));
        assert.ok(isDone(r.text));
      }
      await daemon.profileWhen('crowd', 'empty', (p) => p.in_flight === 0 && p.waiting.workflow === 0);
      await until('the backend has nothing open', () => up.inFlight === 0);
      for (const c of leavers) await cancelled(c);
    });

    test('a plain answer is whole, however the backend was asked', async () => {
      up.next({ tokens: 7 });
      const r = expectOk(await daemon.chat({ model: 'm', messages: [{ role: 'user', content: 'plain' }] }));
      assert.match(r.headers['content-type'], /^application\/json/);
      assert.equal(r.json.object, 'chat.completion');
      assert.deepEqual(r.json.choices[0].message, { role: 'assistant', content: sentence(7) });
      assert.equal(r.json.choices[0].finish_reason, 'length');
      assert.deepEqual([r.json.usage?.prompt_tokens, r.json.usage?.completion_tokens, r.json.usage?.total_tokens], [3, 7, 10], 'usage as the backend counted it');
      const text = expectOk(await daemon.post('/v1/completions', { model: 'm', prompt: 'x' }));
      assert.deepEqual([text.json.object, text.json.choices[0].text, text.json.choices[0].finish_reason], ['text_completion', sentence(4), 'length']);
    });
  });
}
