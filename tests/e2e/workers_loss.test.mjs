// Workers that go away with tasks in their hands: killed, silent, bound twice, drained, gone in good order. The task goes back, a
// sibling finishes it, the first caller's open request is answered, and what the lost one still says changes nothing.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectErrorObject, expectOk } from './support/expect.mjs';
import { isDone, spoken, streamError } from './support/http.mjs';
import { answers, bodyOf, Crew } from './support/worker.mjs';
import { sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
const MAX_ATTEMPTS = 3;
let daemon;
const crew = new Crew(() => daemon);
before(async () => {
  daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 2 }, tasks: { max_attempts: MAX_ATTEMPTS } } });
});
after(() => daemon?.stop());
afterEach(() => crew.end());

const enqueue = async (llm, more = {}) => {
  const r = await daemon.post(TASKS, { llm, request: { messages: [{ role: 'user', content: 'hi' }], ...more } });
  assert.equal(r.status, 201, r.text);
  return r.json.id;
};
const ended = (id) => daemon.taskWhen(id, 'ended', (t) => ['completed', 'error', 'cancelled'].includes(t.status), { within: 10_000 });
const sessionOf = (w) => daemon.json(`/api/v1/workers/${w.session}`);
const seenLost = (w) => until('the loss is seen', async () => {
  const r = await daemon.get(`/api/v1/workers/${w.session}`);
  return r.status === 404 || r.json.bound === false;
}, { within: 8000, seen: () => sessionOf(w) });

/// Two of one pool: `first` holds every job it is given, `sibling` (not bound yet) answers.
async function pair(first = {}, sibling = {}) {
  const pool = crew.name('pool');
  const a = await crew.start({ pool, always: answers.hold(), ...first });
  const b = crew.hire({ pool, ...sibling });
  await b.register();
  return { pool, a, b, bind: async () => { await b.bind(); b.beat(); } };
}

describe('a killed worker', () => {
  test('its plain task goes back, the sibling answers, the first caller\'s open request gets it', async () => {
    const { pool, a, b, bind } = await pair();
    const call = daemon.openChat({ model: pool });
    const job = await a.job();
    a.kill();
    await daemon.taskWhen(job.task, 'pending again', (t) => t.status === 'pending' && t.claimed_by === null, { within: 2000 });
    assert.equal(call.ended, undefined, 'the caller still waits');
    await bind();
    const r = expectOk(await within('the first caller is answered', call.done));
    assert.equal(r.headers['x-signalbox-task'], job.task);
    assert.equal(r.headers['x-signalbox-backend'], b.llms[0].name);
    assert.equal(r.headers['x-signalbox-attempts'], '2');
    assert.equal(r.json.choices[0].message.content, sentence(4));
    assert.deepEqual(b.jobs.map((j) => [j.task, j.attempt]), [[job.task, 2]]);
  });

  test('all that it held goes back, at once, to a sibling with room', async () => {
    const { a, b, bind } = await pair({ capacity: 4 }, { capacity: 2 });
    const ids = [];
    for (let i = 0; i < 4; i++) ids.push(await enqueue(a.llms[0].name));
    await a.given(4);
    await bind();
    a.kill();
    for (const id of ids) {
      const row = await ended(id);
      assert.deepEqual([row.status, row.attempts, row.claimed_by], ['completed', 2, b.session]);
    }
    assert.ok(b.maxHeld <= 2, `${b.maxHeld} at once`);
  });

  test('its stream, before the first chunk: the sibling\'s stream reaches the caller', async () => {
    const { pool, a, b, bind } = await pair();
    const call = daemon.openChat({ model: pool, stream: true });
    await a.job();
    await bind();
    a.kill();
    const r = expectOk(await within('the stream ends', call.done));
    assert.equal(spoken(r.text), sentence(4));
    assert.ok(isDone(r.text));
    assert.equal(r.headers['x-signalbox-attempts'], '2');
    assert.equal(b.jobs.length, 1);
  });

  test('its stream, after the first chunk: backend_stream_failed, no [DONE], and nobody starts it over', async () => {
    const { pool, a, b, bind } = await pair({ always: answers.words(4, { stallAfter: 2 }) });
    await bind();
    b.always = answers.words(4, { stallAfter: 2 });
    const call = daemon.openChat({ model: pool, stream: true });
    await until('two words', () => spoken(call.text) === sentence(2), { seen: () => call.text });
    const [holder, other] = a.jobs.length ? [a, b] : [b, a];
    const { task } = holder.jobs[0];
    holder.kill();
    const r = await within('the caller is told', call.done);
    expectErrorObject(streamError(r.text), 'backend_stream_failed', {}, r.text);
    assert.equal(spoken(r.text), sentence(2));
    assert.equal(isDone(r.text), false);
    const row = await ended(task);
    assert.deepEqual([row.status, row.error.code, row.attempts], ['error', 'backend_stream_failed', 1]);
    assert.equal(other.jobs.length, 0);
  });

  test('what it says later is a stale claim and changes nothing', async () => {
    const { a, b, bind } = await pair();
    const id = await enqueue(a.llms[0].name, { stream: true });
    const old = await a.job();
    expectOk(await old.say('from the first'));
    b.always = answers.words(4, { stallAfter: 2 });
    a.kill();
    await bind();
    const held = await b.job();
    await daemon.taskWhen(id, 'running with the sibling', (t) => t.status === 'running' && t.claimed_by === b.session);
    expectError(await old.say('late'), 'stale_claim');
    expectError(await old.done(), 'stale_claim');
    expectError(await old.answer('late'), 'stale_claim');
    expectError(await old.fail('late', false), 'stale_claim');
    held.release();
    const row = await ended(id);
    assert.deepEqual([row.status, row.attempts, row.claimed_by], ['completed', 2, b.session]);
    assert.equal(row.response_body.choices[0].message.content, sentence(4), 'only the sibling\'s words');
    expectError(await old.done(), 'stale_claim', {}, 'after the end too');
  });

  test('it comes back with its session and takes up what is pending', async () => {
    const worker = await crew.start({ always: answers.hold() });
    const call = daemon.openChat({ model: worker.llms[0].name });
    const job = await worker.job();
    worker.kill();
    await daemon.taskWhen(job.task, 'pending', (t) => t.status === 'pending');
    worker.always = answers.words();
    await worker.start();
    const r = expectOk(await within('the caller is answered', call.done));
    assert.equal(r.headers['x-signalbox-attempts'], '2');
    assert.equal((await daemon.task(job.task)).claimed_by, worker.session, 'the same session');
  });
});

describe('a silent worker', () => {
  test('no heartbeat for heartbeat_timeout_s, its socket still open: its task goes to the sibling', async () => {
    const { pool, a, b, bind } = await pair();
    const call = daemon.openChat({ model: pool });
    const job = await a.job();
    await bind();
    const silentSince = Date.now();
    a.vanish();
    const r = expectOk(await within('the sibling answers', call.done, 10_000));
    assert.equal(r.headers['x-signalbox-backend'], b.llms[0].name);
    assert.equal(r.headers['x-signalbox-attempts'], '2');
    const took = Date.now() - silentSince;
    assert.ok(took >= 1000 && took < 8000, `after ${took} ms`);
    assert.equal((await daemon.json(`/api/v1/llms/${a.llms[0].name}`)).status, 'inactive');
    expectError(await job.answer('late'), 'stale_claim');
  });

  test('heartbeats without a channel hold no task: a closed socket is seen at once', async () => {
    const { pool, a, bind } = await pair();
    const call = daemon.openChat({ model: pool });
    await a.job();
    await bind();
    const since = Date.now();
    a.channel.abort();                    // its heartbeats go on
    expectOk(await within('the sibling answers', call.done));
    assert.ok(Date.now() - since < 1500, `after ${Date.now() - since} ms`);
  });
});

describe('a second bind', () => {
  test('replaces the first, which is closed; held tasks are sent anew', async () => {
    const worker = await crew.start({ capacity: 2, always: answers.hold() });
    const call = daemon.openChat({ model: worker.llms[0].name });
    const id = await enqueue(worker.llms[0].name);
    await worker.given(2);
    const first = worker.channel;
    worker.always = answers.words();
    await worker.bind();
    await first.end();
    assert.equal(first.ended, 'clean', 'closed by the broker');
    const anew = await worker.given(4);
    assert.deepEqual(anew.slice(2).map((j) => [j.task, j.attempt]).sort(), anew.slice(0, 2).map((j) => [j.task, 2]).sort());
    expectOk(await within('the caller is answered', call.done));
    const row = await ended(id);
    assert.deepEqual([row.status, row.attempts], ['completed', 2]);
    assert.equal((await sessionOf(worker)).bound, true);
    expectOk(await daemon.chat({ model: worker.llms[0].name }), 'and it works on');
    assert.equal(first.events.filter((e) => e.event === 'infer').length, 2, 'the first channel gets nothing more');
  });
});

describe('the poison guard', () => {
  test(`after ${MAX_ATTEMPTS} losses: worker_lost, for the caller and in the row`, async () => {
    const worker = await crew.start({ capacity: 2, always: answers.hold() });
    const call = daemon.openChat({ model: worker.llms[0].name });
    const id = await enqueue(worker.llms[0].name);
    for (let loss = 1; loss <= MAX_ATTEMPTS; loss++) {
      const jobs = await worker.given(2, (j) => j.attempt === loss);
      assert.equal(jobs.length, 2);
      worker.kill();
      await seenLost(worker);
      if (loss < MAX_ATTEMPTS) {
        await daemon.taskWhen(id, `pending after loss ${loss}`, (t) => t.status === 'pending');
        await worker.start();
      }
    }
    expectError(await within('the caller is told', call.done), 'worker_lost');
    const row = await ended(id);
    assert.deepEqual([row.status, row.error.code, row.attempts], ['error', 'worker_lost', MAX_ATTEMPTS]);
    worker.always = answers.words();
    await worker.start();
    expectOk(await daemon.chat({ model: worker.llms[0].name }), 'the worker is not banned');
    assert.equal(worker.jobs.filter((j) => j.task === id).length, MAX_ATTEMPTS, 'the poison is not sent again');
  });

  test('leaving in good order does not count', async () => {
    const worker = await crew.start({ always: answers.hold() });
    const id = await enqueue(worker.llms[0].name);
    for (let i = 1; i <= MAX_ATTEMPTS + 1; i++) {
      await worker.given(i, (j) => j.task === id);
      expectOk(await worker.leave());
      const row = await daemon.taskWhen(id, 'pending again', (t) => t.status === 'pending');
      assert.equal(row.error, null);
      if (i > MAX_ATTEMPTS) worker.always = answers.words();
      await worker.start();
    }
    assert.equal((await ended(id)).status, 'completed');
  });
});

describe('in good order', () => {
  test('DELETE: what it held goes back at once, its channel is closed, the answer is the session as it was', async () => {
    const { pool, a, b, bind } = await pair({ capacity: 2 });
    const call = daemon.openChat({ model: pool });
    const job = await a.job();
    await bind();
    const { channel, session } = a;
    clearInterval(a.timer);
    const r = expectOk(await daemon.send({ method: 'DELETE', path: a.path }));
    assert.equal(r.json.session, session);
    expectOk(await within('the sibling answers', call.done));
    await channel.end();
    assert.equal(channel.ended, 'clean');
    const late = await job.answer('late');
    assert.ok([404, 409].includes(late.status), late.text);
    const llm = await daemon.get(`/api/v1/llms/${a.llms[0].name}`);
    assert.ok(llm.status === 404 || llm.json.status === 'inactive', llm.text);
    assert.equal(b.jobs.length, 1);
  });

  test('drain: the frame comes, nothing new is sent, what runs may end', async () => {
    const { pool, a, b, bind } = await pair({ capacity: 2 });
    const call = daemon.openChat({ model: pool });
    const job = await a.job();
    expectOk(await a.drain());
    await until('the drain frame is here', () => a.drains === 1);
    await bind();
    const later = expectOk(await daemon.chat({ model: pool }, { 'X-Signalbox-Queue-Wait-S': '3' }), 'the sibling has room');
    assert.equal(later.headers['x-signalbox-backend'], b.llms[0].name, 'though the first has room');
    assert.equal(a.jobs.length, 1);
    job.release();
    const r = expectOk(await within('the running one ends', call.done));
    assert.deepEqual(r.json, bodyOf(job, sentence(4)), 'with the draining worker\'s answer');
    assert.equal(r.headers['x-signalbox-attempts'], '1');
    assert.deepEqual(a.cancels, []);
  });

  test('the broker stops in good order: drain frames, and what the worker finishes meanwhile is kept', async () => {
    const own = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 } } });
    const staff = new Crew(() => own);
    try {
      const worker = await staff.start({ always: answers.hold() });
      const r = await own.post(TASKS, { llm: worker.llms[0].name, request: { messages: [{ role: 'user', content: 'x' }] } });
      const waits = await own.post(TASKS, { llm: worker.llms[0].name, request: { messages: [{ role: 'user', content: 'y' }] } });
      const job = await worker.job();
      own.signal('SIGTERM');
      await until('the drain frame is here', () => worker.drains === 1);
      expectOk(await job.answer('just in time'));
      assert.deepEqual(await within('the daemon ends', own.exited, 15_000), { code: 0, signal: null });
      assert.equal(worker.jobs.length, 1, 'nothing new was sent');
      worker.over = true;
      await own.start();
      const row = await own.task(r.json.id);
      assert.deepEqual([row.status, row.response_body.choices[0].message.content], ['completed', 'just in time']);
      assert.equal((await own.task(waits.json.id)).status, 'pending');
    } finally {
      await staff.end();
      await own.stop();
    }
  });
});
