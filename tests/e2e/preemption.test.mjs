// `preempt: background`: an interactive call that finds the only slot taken gets it from a background task, which is aborted at its
// backend, goes back to pending and completes later; a budget, a live PUT, kill -9 in the middle, metrics.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectOk } from './support/expect.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
const PROFILE = 'openai_compat:solo-model';
const LONG = 30_000;

describe('a server with one slot', { timeout: 180_000 }, () => {
  let solo, daemon;
  before(async () => {
    solo = await startUpstream({ models: ['solo-model'], name: 'solo', keepAlive: false });
    daemon = await startDaemon({
      config: {
        upstreams: [{ name: 'solo', type: 'openai', url: solo.url, models: ['solo-model'], capacity: 1 }],
        inference: { profiles: { [PROFILE]: { max_concurrent: 1, preempt: 'background', preempt_budget: 1 } } },
      },
    });
  });
  after(async () => {
    await daemon?.stop();
    await solo?.stop();
  });
  afterEach(async () => {
    solo.always = {};
    solo.release();
    await daemon.idle();
    await solo.reset();
  });

  const batch = async (stream = false) => {
    const r = await daemon.post(TASKS, { llm: 'solo', priority: 'background', request: { messages: [{ role: 'user', content: 'batch' }], stream } });
    assert.equal(r.status, 201, r.text);
    return r.json.id;
  };
  const chat = () => daemon.chat({ model: 'solo' }, { 'X-Signalbox-Priority': 'interactive' }, LONG);
  const ofBatch = (record) => record.text.includes('batch');

  test('the interactive call is answered, the background task is aborted and completes later', async () => {
    solo.next({ hold: true });
    const id = await batch();
    const [first] = await solo.arrived(1, ofBatch);
    const before = (await daemon.profile(PROFILE)).preempted_total;
    const r = expectOk(await chat());
    assert.equal(r.json.choices[0].message.content, sentence(4));
    assert.equal(first.state, 'aborted', 'the backend was told to stop');
    assert.equal(solo.maxInFlight, 1, 'and never had two calls');
    const row = await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    assert.deepEqual(row.attempt_log.map((a) => a.outcome), ['preempted', 'completed']);
    assert.equal(row.attempts, 2);
    const call = (await daemon.calls()).find((c) => c.id === id);
    assert.equal(call.preemptions, 1);
    assert.equal(call.status, 'ok');
    assert.equal((await daemon.profile(PROFILE)).preempted_total, before + 1);
    const metrics = (await daemon.get('/metrics')).text;
    assert.match(metrics, new RegExp(`^signalbox_preemptions_total\\{profile="${PROFILE}"\\} ${before + 1}$`, 'm'));
  });

  test('a task that has used up its budget is left alone', async () => {
    solo.next({ hold: true }, {}, { hold: true });
    const id = await batch();
    await solo.arrived(1, ofBatch);
    expectOk(await chat());
    await solo.arrived(2, ofBatch);
    const waiting = chat();
    await daemon.profileWhen(PROFILE, 'the second caller waits', (p) => p.waiting.interactive === 1);
    assert.equal((await daemon.task(id)).status, 'claimed');
    solo.release();
    expectOk(await within('the second call', waiting, LONG));
    assert.equal((await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed')).attempts, 2);
  });

  test('who reads the stream of a background task is told that it starts over', async () => {
    solo.next({ tokens: 4, stallAfter: 2 });
    const id = await batch(true);
    const events = await daemon.open({ method: 'GET', path: `${TASKS}/${id}/stream` });
    await until('two tokens were passed on', () => (events.text ?? '').includes('bravo'), { seen: () => events.text });
    expectOk(await chat());
    await within('the stream ends', events.done, LONG);
    assert.match(events.text, /event: reset/);
    assert.equal((await daemon.task(id)).status, 'completed');
  });

  test('a caller whose stream has begun keeps its slot', async () => {
    solo.next({ tokens: 4, stallAfter: 2 });
    const reader = daemon.openChat({ model: 'solo', stream: true }, { 'X-Signalbox-Priority': 'background' });
    await until('two tokens were passed on', () => (reader.text ?? '').includes('bravo'), { seen: () => reader.text });
    const waiting = chat();
    await daemon.profileWhen(PROFILE, 'the interactive caller waits', (p) => p.waiting.interactive === 1);
    solo.release();
    expectOk(await within('the interactive call', waiting, LONG));
    await within('the stream ends', reader.done, LONG);
    assert.equal(solo.requests.filter((r) => r.state === 'aborted').length, 0);
  });

  test('off and on by PUT, and kept over kill -9 in the middle', async () => {
    const put = async (settings) => {
      const r = await daemon.put(`/api/v1/profiles/${encodeURIComponent('night')}`, settings);
      assert.equal(r.status, 200, r.text);
      return r.json;
    };
    assert.deepEqual([(await put({ max_concurrent: 1 })).preempt, (await put({ preempt_budget: 5 })).preempt_budget], ['none', 5]);
    assert.equal((await put({ preempt: 'background' })).preempt, 'background');
    solo.next({ hold: true });
    const r = await daemon.post(TASKS, { llm: 'solo', priority: 'background', request: { messages: [{ role: 'user', content: 'batch' }] } }, { 'X-Signalbox-Profile': 'night' });
    await solo.arrived(1, ofBatch);
    solo.next({ hold: true });
    const waiting = daemon.openChat({ model: 'solo' }, { 'X-Signalbox-Priority': 'interactive', 'X-Signalbox-Profile': 'night' });
    await solo.arrived(2);
    assert.equal((await daemon.task(r.json.id)).status, 'pending');
    solo.always = {};
    await daemon.kill();
    waiting.abort();
    await daemon.start();
    assert.deepEqual([(await daemon.profile('night')).preempt, (await daemon.profile('night')).preempt_budget], ['background', 5]);
    const row = await daemon.taskWhen(r.json.id, 'completed', (t) => t.status === 'completed', { within: LONG });
    assert.deepEqual(row.attempt_log.map((a) => a.outcome), ['preempted', 'completed']);
  });
});
