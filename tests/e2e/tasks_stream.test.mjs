// `/inference-tasks/{id}/stream`: what an observer sees, in which order, and that nothing is lost or doubled when it comes back.
// A bound worker for which the test itself speaks gives exact control over every chunk.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk } from './support/expect.mjs';
import { followTask, TaskStream } from './support/task_stream.mjs';
import { answers, bodyOf, chunkOf, Crew } from './support/worker.mjs';
import { sentence, startUpstream, word } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const TASKS = '/api/v1/inference-tasks';
let daemon, up;
const crew = new Crew(() => daemon);

before(async () => {
  up = await startUpstream({ models: ['up-model'] });
  daemon = await startDaemon({
    config: { upstreams: [{ name: 'up', type: 'openai', url: up.url, models: ['up-model'], capacity: 2 }], workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20 }, tasks: { max_attempts: 5 } },
  });
});
after(async () => {
  await daemon?.stop();
  await up?.stop();
});
afterEach(() => crew.end());

const request = (stream = true) => ({ messages: [{ role: 'user', content: 'go' }], ...(stream ? { stream } : {}) });
async function enqueue(llm, stream = true) {
  const r = await daemon.post(TASKS, { llm, request: request(stream) });
  assert.equal(r.status, 201, r.text);
  return r.json.id;
}
/// A worker for which the test speaks, and a streamed task of its LLM, pending until `worker.bind()`.
async function silentWorker(options = {}) {
  const worker = crew.hire({ always: answers.nothing(), ...options });
  await worker.register();
  return worker;
}
const sayAll = async (job, from, to) => { for (let i = from; i < to; i++) assert.equal((await job.say(word(i))).status, 200); };
const dataOf = (job, n) => Array.from({ length: n }, (_, i) => chunkOf(job, word(i)));
const finish = async (job) => assert.equal((await job.done()).status, 200);
const idsOf = (stream) => stream.events.map((e) => e.id);

describe('what an observer sees', () => {
  test('statuses, chunks as the backend sent them, the row, and the end; each with an id of its own', async () => {
    const worker = await silentWorker();
    const id = await enqueue(worker.llms[0].name);
    const stream = await followTask(daemon, id);
    assert.equal(stream.status, 200);
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    assert.equal(stream.headers['cache-control'], 'no-store');
    assert.equal(stream.headers['x-accel-buffering'], 'no');
    await worker.bind();
    const job = await worker.job();
    await stream.when('claimed', (e) => e.event === 'status' && JSON.parse(e.data).status === 'claimed');
    await sayAll(job, 0, 2);
    await stream.chunksWhen(2);
    assert.equal(stream.terminal, undefined, 'live: the chunks are here before the end');
    assert.equal((await job.chunks([chunkOf(job, word(2)), chunkOf(job, word(3))])).status, 200);
    await finish(job);
    const row = await stream.ending();

    assert.deepEqual(stream.chunks, dataOf(job, 4), 'byte for byte, in order');
    assert.deepEqual(row, await daemon.task(id), 'terminal carries the row');
    assert.equal(row.status, 'completed');
    assert.equal(row.response_body.choices[0].message.content, sentence(4));
    assert.equal(stream.ended, 'clean');
    assert.equal(stream.events.at(-1).event, 'terminal');
    assert.equal(stream.of('terminal').length, 1);
    assert.equal(stream.resets, 0);
    const live = stream.statuses.filter((s) => s !== 'completed');
    assert.deepEqual(live.slice(live.indexOf('claimed')), ['claimed', 'running'], `statuses ${stream.statuses}`);
    const kinds = stream.events.map((e) => (e.event === 'status' ? JSON.parse(e.data).status : e.event));
    assert.ok(kinds.indexOf('running') < kinds.indexOf('chunk'), `running comes before the first chunk: ${kinds}`);
    for (const e of stream.of('status')) {
      assert.deepEqual(Object.keys(JSON.parse(e.data)).sort(), ['at', 'id', 'status']);
      assert.equal(JSON.parse(e.data).id, id);
    }
    assert.ok(idsOf(stream).every((x) => x), `an id on each event: ${idsOf(stream)}`);
    assert.equal(new Set(idsOf(stream)).size, stream.events.length, `no id twice: ${idsOf(stream)}`);
  });

  test('a plain task: no chunks, then the row', async () => {
    const worker = await silentWorker();
    const id = await enqueue(worker.llms[0].name, false);
    const stream = await followTask(daemon, id);
    await worker.bind();
    const job = await worker.job();
    assert.equal((await job.answer('the whole answer')).status, 200);
    const row = await stream.ending();
    assert.deepEqual(row.response_body, bodyOf(job, 'the whole answer'));
    assert.equal(stream.chunks.length, 0);
  });

  test('an upstream\'s task is seen the same way', async () => {
    up.next({ tokens: 5, stallAfter: 2 });
    const id = await enqueue('up');
    await up.arrived(1);
    const stream = await followTask(daemon, id);
    await until('two words', () => stream.spoken === sentence(2), { seen: () => stream.events });
    up.release();
    assert.equal((await stream.ending()).response_body.choices[0].message.content, sentence(5));
    assert.equal(stream.spoken, sentence(5));
  });

  test('a task that is cancelled, and one that fails', async () => {
    const worker = await silentWorker();
    const id = await enqueue(worker.llms[0].name);
    const cancelled = await followTask(daemon, id);
    expectOk(await daemon.send({ method: 'DELETE', path: `${TASKS}/${id}` }));
    assert.equal((await cancelled.ending()).status, 'cancelled');
    const failing = await enqueue(worker.llms[0].name);
    const failed = await followTask(daemon, failing);
    await worker.bind();
    assert.equal((await (await worker.job()).fail('out of memory', false)).status, 200);
    const row = await failed.ending();
    assert.deepEqual([row.status, row.error.code], ['error', 'backend_error']);
    assert.match(row.error.message, /out of memory/);
  });

  test('one who comes late gets the terminal event at once; one who has it gets 204', async () => {
    const worker = await silentWorker({ always: answers.words(3) });
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    const row = await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    const began = Date.now();
    const late = await followTask(daemon, id);
    assert.deepEqual(await late.ending(2000), row);
    assert.ok(Date.now() - began < 2000);
    assert.equal(late.events.at(-1).event, 'terminal');
    for (const e of late.events.slice(0, -1)) {
      const lacks = await followTask(daemon, id, { lastEventId: e.id });
      assert.deepEqual(await lacks.ending(2000), row, `one who has had ${e.id} (${e.event}) still gets the row`);
    }
    const has = await followTask(daemon, id, { lastEventId: late.events.at(-1).id });
    await has.end();
    assert.equal(has.status, 204, 'nothing more will come: a reader that reconnects by itself stops');
    await daemon.restart();
    const afterRestart = await followTask(daemon, id);
    assert.deepEqual(await afterRestart.ending(2000), row, 'after a restart too');
  });
});

describe('coming back with Last-Event-ID', () => {
  test('in mid-stream, at every event: the rest, no more and no less', async () => {
    const worker = await silentWorker();
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    const first = await followTask(daemon, id);
    await sayAll(job, 0, 4);
    await first.chunksWhen(4);
    const seen = [...first.events];
    first.abort();
    const back = await Promise.all(seen.map((e) => followTask(daemon, id, { lastEventId: e.id })));
    await sayAll(job, 4, 6);
    await finish(job);
    const whole = dataOf(job, 6);
    for (const [i, stream] of back.entries()) {
      const had = seen.slice(0, i + 1).filter((e) => e.event === 'chunk').map((e) => e.data);
      const row = await stream.ending();
      assert.equal(row.status, 'completed');
      assert.equal(stream.resets, 0, 'its history is still held');
      assert.deepEqual([...had, ...stream.chunks], whole, `from ${seen[i].id} (${seen[i].event}) on`);
      const ids = [...seen.slice(0, i + 1).map((e) => e.id), ...idsOf(stream)];
      assert.equal(new Set(ids).size, ids.length, `no event twice: ${ids}`);
    }
  });

  test('one who comes without an id in mid-stream gets the chunks from the start', async () => {
    const worker = await silentWorker();
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    await sayAll(job, 0, 3);
    const stream = await followTask(daemon, id);
    await stream.chunksWhen(3);
    await sayAll(job, 3, 4);
    await finish(job);
    await stream.ending();
    assert.deepEqual(stream.chunks, dataOf(job, 4));
  });

  test('an id that was never given out: the chunks from the start, once', async () => {
    const worker = await silentWorker();
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    await sayAll(job, 0, 3);
    const stream = await followTask(daemon, id, { lastEventId: 'never-given-out' });
    await stream.chunksWhen(3);
    await finish(job);
    await stream.ending();
    assert.deepEqual(stream.chunks, dataOf(job, 3));
    assert.equal(stream.spoken, sentence(3));
  });

  test('the broker is killed in mid-stream: the same id finds the same task, whose attempt has started over', async () => {
    const worker = await silentWorker();
    await worker.bind();
    worker.beat();
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    const first = await followTask(daemon, id);
    await sayAll(job, 0, 2);
    await first.chunksWhen(2);
    const last = first.events.at(-1).id;
    worker.over = true;
    await daemon.restart();
    assert.notEqual(await first.end(), 'clean', 'a stream whose daemon died does not end politely');
    const back = await followTask(daemon, id, { lastEventId: last });
    assert.equal(back.status, 200);
    await worker.bind();
    const again = await worker.job((j) => j.attempt === 2);
    await sayAll(again, 0, 4);
    await finish(again);
    const row = await back.ending();
    assert.deepEqual([row.status, row.attempts], ['completed', 2]);
    assert.ok(back.resets >= 1, `what the first attempt said is void: ${JSON.stringify(back.events.map((e) => e.event))}`);
    assert.equal(back.spoken, sentence(4));
  });
});

describe('an attempt that starts over', () => {
  test('reset, then the new attempt from its start', async () => {
    const pool = crew.name('pool');
    const lost = await silentWorker({ pool });
    await lost.bind();
    const id = await enqueue(lost.llms[0].name);
    const stream = await followTask(daemon, id);
    await sayAll(await lost.job(), 0, 3);
    await stream.chunksWhen(3);
    const before_ = stream.events.at(-1).id;
    const sibling = await silentWorker({ pool });
    await sibling.bind();
    lost.kill();
    const job = await sibling.job((j) => j.task === id);
    assert.equal(job.attempt, 2);
    await stream.when('reset', (e) => e.event === 'reset');
    await sayAll(job, 0, 2);
    await until('the second attempt is heard', () => stream.spoken === sentence(2), { seen: () => stream.events });
    const back = await followTask(daemon, id, { lastEventId: before_ });
    await sayAll(job, 2, 4);
    await finish(job);
    for (const s of [stream, back]) {
      const row = await s.ending();
      assert.deepEqual([row.status, row.attempts], ['completed', 2]);
      assert.equal(s.resets, 1);
      assert.equal(s.spoken, sentence(4));
    }
    const kinds = stream.events.map((e) => (e.event === 'status' ? JSON.parse(e.data).status : e.event));
    const afterFirst = kinds.slice(kinds.indexOf('chunk'));
    assert.ok(afterFirst.includes('pending') && afterFirst.includes('claimed') && afterFirst.includes('running'), `back to pending, and forth again: ${kinds}`);
    assert.equal(new Set(idsOf(stream)).size, stream.events.length, `no id twice, over attempts: ${idsOf(stream)}`);
  });
});

describe('several observers', () => {
  test('two at once see the same; one leaves, and the task and the other go on', async () => {
    const worker = await silentWorker();
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    const [one, two, leaver] = await Promise.all([1, 2, 3].map(() => followTask(daemon, id)));
    const job = await worker.job();
    await sayAll(job, 0, 2);
    await leaver.chunksWhen(2);
    leaver.abort();
    await sayAll(job, 2, 4);
    await finish(job);
    const rows = [await one.ending(), await two.ending()];
    assert.equal(rows[0].status, 'completed', 'an observer who leaves cancels nothing');
    assert.deepEqual(rows[0], rows[1]);
    assert.deepEqual(one.chunks, dataOf(job, 4));
    assert.deepEqual(two.chunks, one.chunks);
    assert.deepEqual(worker.cancels, []);
  });

  test('one that does not read loses its stream and hurts nobody', async () => {
    const CHUNKS = 120, PAD = 'x'.repeat(200_000);          // 24 MB: more than the sockets' buffers hold
    const worker = await silentWorker();
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    const job = await worker.job();
    const slow = new TaskStream(daemon.port, id, { paused: true });
    await slow.head;
    const quick = await followTask(daemon, id);
    const send = async () => {
      for (let i = 0; i < CHUNKS; i++) {
        const r = await within(`chunk ${i} is taken`, job.chunk({ choices: [{ index: 0, delta: { content: word(i) }, finish_reason: null }], pad: PAD }));
        assert.equal(r.status, 200, r.text);
      }
    };
    await send();
    await finish(job);
    const row = await quick.ending(20_000);
    assert.equal(row.status, 'completed');
    assert.equal(quick.chunks.length, CHUNKS, 'the quick one got every chunk');
    assert.equal(row.response_body.choices[0].message.content, sentence(CHUNKS));
    expectOk(await daemon.get('/livez'));
    slow.resume();
    await slow.end(20_000);
    assert.equal(slow.terminal, undefined, 'the slow one was dropped on the way');
    assert.ok(slow.chunks.length < CHUNKS, `${slow.chunks.length} chunks`);
  });

  test('a stream that nobody watches runs to its end', async () => {
    const worker = await silentWorker({ always: answers.words(4) });
    await worker.bind();
    const id = await enqueue(worker.llms[0].name);
    assert.equal((await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed')).response_body.choices[0].message.content, sentence(4));
  });
});

test('refusals of /stream', async () => {
  expectError(await daemon.get(`${TASKS}/01890000-0000-7000-8000-000000000000/stream`), 'task_not_found');
  const id = await enqueue('up');
  expectError(await daemon.post(`${TASKS}/${id}/stream`, {}), 'method_not_allowed');
  await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
});
