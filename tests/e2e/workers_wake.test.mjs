// Wake on demand: one frame for all who wait, answered by a result or by a heartbeat, with a deadline of its own.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon } from './support/daemon.mjs';
import { expectError, expectOk, expectOnTime } from './support/expect.mjs';
import { Crew } from './support/worker.mjs';
import { spoken } from './support/http.mjs';
import { sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const WAKE_TIMEOUT_S = 1;
let daemon;
const crew = new Crew(() => daemon);
before(async () => {
  daemon = await startDaemon({ config: { workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 20, wake_timeout_s: WAKE_TIMEOUT_S } } });
});
after(() => daemon?.stop());
afterEach(() => crew.end());

const sleeper = (options = {}) => crew.start({ status: 'hibernating', ...options });
const statusOf = async (worker) => (await daemon.json(`/api/v1/llms/${worker.llms[0].name}`)).status;
const enqueue = async (worker) => {
  const r = await daemon.post('/api/v1/inference-tasks', { llm: worker.llms[0].name, request: { messages: [{ role: 'user', content: 'x' }] } });
  assert.equal(r.status, 201, r.text);
  return r.json.id;
};
const woken = (worker, count = 1) => until(`${count} wake frame(s)`, () => worker.wakes.length >= count && worker.wakes[count - 1], { seen: () => worker.wakes });
const answerWake = (worker, wake, body = { status: 200 }) => worker.post(`/tasks/${wake.task}/result`, body);
const completed = (id) => daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');

describe('waking', () => {
  test('no frame before someone calls; one frame for many callers; its result lets all of them through', async () => {
    const worker = await sleeper({ capacity: 8 });
    assert.equal(await statusOf(worker), 'hibernating');
    assert.deepEqual(worker.wakes, []);
    const calls = Array.from({ length: 5 }, (_, i) => daemon.openChat({ model: worker.llms[0].name, stream: i % 2 === 0 }));
    const id = await enqueue(worker);
    const wake = await woken(worker);
    assert.deepEqual(Object.keys(wake).sort(), ['llm', 'task']);
    assert.equal(wake.llm, worker.llms[0].name);
    await until('all of them wait', async () => (await daemon.tasks(`&llm=${worker.llms[0].name}&status=pending`)).length === 6);
    assert.equal(worker.jobs.length, 0, 'nothing is sent to a sleeper');
    assert.notEqual(wake.task, id);
    expectOk(await answerWake(worker, wake));
    for (const call of calls) {
      const r = expectOk(await within('a caller is answered', call.done));
      assert.equal(r.json?.choices[0].message.content ?? spoken(r.text), sentence(4));
      assert.equal(r.headers['x-signalbox-attempts'], '1', 'a wake is no attempt');
    }
    await completed(id);
    assert.equal(worker.wakes.length, 1, 'one frame for all');
    assert.equal(await statusOf(worker), 'active');
    expectOk(await daemon.chat({ model: worker.llms[0].name }));
    assert.equal(worker.wakes.length, 1, 'and it stays awake');
  });

  test('a heartbeat that says active is an answer too', async () => {
    const worker = await sleeper();
    const call = daemon.openChat({ model: worker.llms[0].name });
    await woken(worker);
    expectOk(await worker.heartbeat([{ name: worker.llms[0].name, status: 'active' }]));
    expectOk(await within('the caller is answered', call.done));
  });

  test('fail-fast calls wake it as well: presence is what counts', async () => {
    const worker = await sleeper();
    worker.onWake = (wake) => answerWake(worker, wake);
    expectOk(await daemon.post(`/api/v1/llms/${worker.llms[0].name}/infer`, { messages: [{ role: 'user', content: 'x' }] }));
    assert.equal(worker.wakes.length, 1);
  });

  test('back to sleep by heartbeat, and woken again by the next call', async () => {
    const worker = await sleeper();
    worker.onWake = (wake) => answerWake(worker, wake);
    expectOk(await daemon.chat({ model: worker.llms[0].name }));
    expectOk(await worker.heartbeat([{ name: worker.llms[0].name, status: 'hibernating' }]));
    assert.equal(await statusOf(worker), 'hibernating');
    expectOk(await daemon.chat({ model: worker.llms[0].name }));
    assert.equal(worker.wakes.length, 2);
    assert.notEqual(worker.wakes[0].task, worker.wakes[1].task, 'each wake has an id of its own');
  });
});

describe('a wake that fails', () => {
  test('{error}: waiting callers are told wake_failed; an async task stays pending and the next enqueue tries again', async () => {
    const worker = await sleeper({ capacity: 4 });
    const calls = [1, 2].map(() => daemon.openChat({ model: worker.llms[0].name }));
    const id = await enqueue(worker);
    const wake = await woken(worker);
    await until('all of them wait', async () => (await daemon.tasks(`&llm=${worker.llms[0].name}&status=pending`)).length === 3);
    expectOk(await answerWake(worker, wake, { error: { message: 'no power' } }));
    for (const call of calls) expectError(await within('told', call.done), 'wake_failed', { message: /no power/ });
    assert.equal((await daemon.task(id)).status, 'pending');
    assert.equal(worker.wakes.length, 1, 'not tried again by itself at once');
    worker.onWake = (again) => answerWake(worker, again);
    const next = await enqueue(worker);
    await completed(next);
    assert.deepEqual([(await completed(id)).attempts, worker.wakes.length], [1, 2]);
  });

  test('no answer within wake_timeout_s: wake_timeout, and the same for async tasks', async () => {
    const worker = await sleeper({ capacity: 4 });
    const id = await enqueue(worker);
    const began = Date.now();
    const r = await daemon.chat({ model: worker.llms[0].name }, { 'X-Signalbox-Queue-Wait-S': '30' });
    expectError(r, 'wake_timeout');
    expectOnTime(Date.now() - began + 300, WAKE_TIMEOUT_S * 1000, { slack: 3000 });
    assert.equal((await daemon.task(id)).status, 'pending');
    assert.equal(worker.wakes.length, 1);
    const late = await answerWake(worker, worker.wakes[0]);
    assert.ok([200, 404, 409].includes(late.status), late.text);
    worker.onWake = (again) => answerWake(worker, again);
    await enqueue(worker);
    await completed(id);
  });

  test('the worker is lost while it is being woken: no caller waits for ever, and its return wakes the LLM', async () => {
    const worker = await sleeper();
    const call = daemon.openChat({ model: worker.llms[0].name }, { 'X-Signalbox-Queue-Wait-S': '20' });
    const id = await enqueue(worker);
    await woken(worker);
    worker.kill();
    await until('the broker sees it or the deadline passes', async () => (await daemon.json(`/api/v1/workers/${worker.session}`)).bound === false);
    worker.onWake = (again) => answerWake(worker, again);
    await worker.start();
    const next = await enqueue(worker);
    await completed(next);
    await completed(id);
    const r = await within('the caller has an answer', call.done);
    if (r.status !== 200) assert.ok(['wake_failed', 'wake_timeout'].includes(r.json.error.code), r.text);
  });

  test('a caller who hangs up while it wakes leaves nothing behind', async () => {
    const worker = await sleeper();
    const call = daemon.openChat({ model: worker.llms[0].name });
    const wake = await woken(worker);
    call.abort();
    const [row] = await until('the task is cancelled', async () => {
      const rows = await daemon.tasks(`&llm=${worker.llms[0].name}&status=cancelled`);
      return rows.length && rows;
    });
    expectOk(await answerWake(worker, wake));
    expectOk(await daemon.chat({ model: worker.llms[0].name }));
    assert.equal(worker.jobs.filter((j) => j.task === row.id).length, 0);
  });
});
