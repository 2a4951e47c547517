// The programs that bind a local LLM server to a broker: `signalbox worker` and examples/worker.py, and what both must do. The broker
// is a scripted one, so that each of its moods can be had at will; the local server is a scripted one too.
import { afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { run } from './support/daemon.mjs';
import { sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';
import { PROGRAMS, broker, idle, launch, launchBound, setUp, spokenBy, tearDown, up } from './support/worker_bench.mjs';

for (const [name, program] of Object.entries(PROGRAMS)) {
  describe(`${name}: the contract`, { timeout: 120_000 }, () => {
    let command;
    before(() => { command = program(); });
    const model = ['--model', 'model-a'];
    afterEach(tearDown);

    test('registers, binds, sends a heartbeat at once and then as often as it is told', async () => {
      await setUp();
      broker.heartbeatS = 1;
      broker.key = 'secret-key';
      await launchBound(command, [...model, '--pool', 'qwen', '--capacity', '3'], { SIGNALBOX_API_KEY: 'secret-key' });
      const [register] = broker.of('register');
      assert.equal(register.body.session, null);
      const [llm] = register.body.llms;
      assert.deepEqual({ name: llm.name, type: llm.type, model: llm.model, pool: llm.pool, capacity: llm.capacity }, { name: 'desk', type: 'openai', model: 'model-a', pool: 'qwen', capacity: 3 });
      const beats = await broker.saw('heartbeat', 3);
      assert.ok(beats[0].at - register.at < 1500, 'the first at once');
      assert.ok(beats[2].at - beats[1].at > 800, 'then at the interval');
    });

    test('a plain task: the local body as it is, once', async () => {
      await setUp();
      await launchBound(command, model);
      const task = broker.infer({ request: { model: 'desk', messages: [{ role: 'user', content: 'hi' }], seed: 7 } });
      const result = await broker.result(task);
      assert.equal(result.body.status, 200);
      assert.equal(result.body.attempt, 1);
      assert.equal(result.body.body.choices[0].message.content, sentence(4));
      assert.equal(up.requests[0].body.model, 'model-a', 'the local server gets its own id');
      assert.equal(up.requests[0].body.seed, 7);
      const embedding = broker.infer({ kind: 'embedding', request: { model: 'desk', input: ['a', 'b'] } });
      assert.equal((await broker.result(embedding)).body.body.data.length, 2);
      assert.equal(broker.of('result').length, 2);
    });

    test('a streamed task: chunks in order, one POST at a time, then done', async () => {
      await setUp();
      up.always = { tokens: 30 };
      await launchBound(command, model);
      let open = 0, most = 0;
      broker.script.chunk = Array.from({ length: 100 }, () => ({ hold: () => { most = Math.max(most, ++open); return new Promise((r) => setTimeout(() => { open--; r(); }, 15)); } }));
      const task = broker.infer({ streaming: true });
      const result = await broker.result(task);
      assert.equal(result.body.done, true);
      assert.equal(spokenBy(broker.chunks(task)), sentence(30));
      assert.equal(most, 1, 'one POST in flight per task');
      assert.ok(broker.of('chunk').length < 30, `chunks that gathered go together, got ${broker.of('chunk').length} POSTs`);
      assert.ok(broker.of('chunk').every((c) => c.body.attempt === 1));
      const data = up.requests[0].sent.map(String).join('').split('\n\n').filter(Boolean).map((e) => e.slice(6));
      assert.deepEqual(broker.chunks(task), data.slice(0, -1), "the local server's event data, byte for byte");
    });

    test('tasks at once, up to what is sent', async () => {
      await setUp();
      up.always = { hold: true };
      await launchBound(command, [...model, '--capacity', '3']);
      const tasks = [1, 2, 3].map((i) => broker.infer({ streaming: i === 2 }));
      await up.arrived(3);
      up.release();
      for (const task of tasks) await broker.result(task);
      assert.equal(up.maxInFlight, 3);
    });

    test("the local server's own errors, and its absence", async () => {
      await setUp();
      await launchBound(command, model);
      up.next({ status: 400, body: { error: { message: 'context too long', code: 400 } } });
      const refused = await broker.result(broker.infer());
      assert.equal(refused.body.status, 400);
      assert.equal(refused.body.body.error.message, 'context too long');
      up.next({ status: 500 });
      assert.equal((await broker.result(broker.infer({ streaming: true }))).body.status, 500);
      up.next({ cut: 2 });
      const cut = broker.infer({ streaming: true });
      const failed = await broker.result(cut);
      assert.equal(failed.body.error.retryable, true, failed.text);
      assert.ok(failed.body.error.message.length > 0);
      await up.stop();
      const away = await broker.result(broker.infer());
      assert.equal(away.body.error.retryable, true, away.text);
    });

    test('cancel ends the local call, and nothing more is said', async () => {
      await setUp();
      up.always = { hold: true };
      await launchBound(command, model);
      const plain = broker.infer();
      await up.arrived(1);
      broker.cancel(plain);
      await until('the local call is aborted', () => up.requests[0].state === 'aborted');
      up.always = { tokens: 1000, tokenDelayMs: 5 };
      const streamed = broker.infer({ streaming: true });
      await broker.saw('chunk', 1);
      broker.cancel(streamed);
      await until('the local stream is aborted', () => up.requests[1].state === 'aborted');
      up.always = {};
      await broker.result(broker.infer());
      assert.deepEqual(broker.of('result').filter((c) => c.task === plain || c.task === streamed), []);
    });

    test('409 on a chunk or a result: that task is dropped, the worker goes on', async () => {
      await setUp();
      up.next({ tokens: 1000, tokenDelayMs: 5 });
      await launchBound(command, model);
      broker.script.chunk = [{ status: 409, code: 'stale_claim' }];
      const lost = broker.infer({ streaming: true });
      await until('the local call is aborted', () => up.requests[0]?.state === 'aborted');
      broker.script.result = [{ status: 409, code: 'stale_claim' }];
      const late = broker.infer();
      await broker.saw('result', 1, (c) => c.task === late);
      const fine = broker.infer();
      await broker.result(fine);
      assert.equal(broker.of('result', (c) => c.task === lost).length, 0);
      assert.equal(broker.of('result', (c) => c.task === late).length, 1);
    });

    test('a result is kept while the broker cannot take it', async () => {
      await setUp();
      await launchBound(command, model);
      broker.script.result = [{ status: 503, code: 'draining' }, { cut: true }];
      const task = broker.infer();
      const result = await broker.result(task);
      assert.equal(result.body.body.choices[0].message.content, sentence(4));
      assert.equal(broker.of('result', (c) => c.task === task).length, 3);
      assert.equal(up.requests.length, 1, 'and it was computed once');
    });

    test('a restarted broker: the same session is bound again, a held task runs as its new attempt only', async () => {
      await setUp();
      up.always = { hold: true };
      await launchBound(command, model);
      const task = broker.infer({ streaming: true });
      await up.arrived(1);
      await broker.stop();
      await broker.start();
      await broker.bound({ within: 10_000 });
      await up.arrived(2);
      await until('the run of the older attempt is aborted', () => up.requests[0].state === 'aborted');
      up.always = {};
      up.release();
      const result = await broker.result(task);
      assert.equal(result.body.attempt, 2);
      assert.equal(spokenBy(broker.chunks(task)), sentence(4));
      assert.ok(broker.of('bind').every((c) => c.session === broker.of('bind')[0].session));
      assert.equal(broker.of('register').length, 1);
    });

    test('a session that the broker has forgotten is registered anew under its old id', async () => {
      await setUp();
      await launchBound(command, model);
      const { session } = broker.of('bind')[0];
      broker.forget();
      const [, again] = await broker.saw('register', 2);
      assert.equal(again.body.session, session);
      await broker.bound();
      await broker.result(broker.infer());
    });

    // The program keeps its name known unless it is told to --forget; the example shows the DELETE.
    const isProgram = name === 'signalbox worker';
    const deletes = isProgram ? 0 : 1;

    test('--forget: the session is deleted', { skip: isProgram ? false : 'the example always does' }, async () => {
      await setUp();
      const worker = await launchBound(command, [...model, '--forget']);
      worker.child.kill('SIGTERM');
      assert.deepEqual(await worker.ended(), { code: 0, signal: null });
      assert.equal(broker.calls.at(-1).kind, 'delete');
    });

    test('drain without retry: finishes what runs, leaves, exit 0', async () => {
      await setUp();
      up.next({ hold: true });
      const worker = await launchBound(command, model);
      const task = broker.infer();
      await up.arrived(1);
      broker.event('drain', {});
      broker.event('infer', { task: 'late', llm: 'desk', model: 'model-a', kind: 'chat', request: {}, streaming: false, attempt: 1 });
      up.release();
      assert.deepEqual(await worker.ended(), { code: 0, signal: null });
      assert.equal(broker.of('result', (c) => c.task === task && c.status === 200).length, 1);
      assert.equal(broker.of('delete').length, deletes);
      assert.equal(up.requests.length, 1, 'nothing new was run');
    });

    test('drain with retry: the broker restarts, the worker comes back', async () => {
      await setUp();
      await launchBound(command, model);
      broker.event('drain', {}, { retry: 100 });
      broker.event('infer', { task: 'late', llm: 'desk', model: 'model-a', kind: 'chat', request: {}, streaming: false, attempt: 1 });
      await broker.stop();
      await broker.start();
      await broker.bound({ within: 10_000 });
      await broker.result(broker.infer());
      assert.equal(up.requests.length, 1, 'what came after the drain was not run');
    });

    test('SIGTERM: says so, lets the running task end, leaves, exit 0', async () => {
      await setUp();
      up.next({ hold: true });
      const worker = await launchBound(command, model);
      const task = broker.infer();
      await up.arrived(1);
      worker.child.kill('SIGTERM');
      await broker.saw('drain');
      assert.equal(worker.exit, undefined);
      up.release();
      assert.deepEqual(await worker.ended(), { code: 0, signal: null });
      assert.equal(broker.of('result', (c) => c.task === task && c.status === 200).length, 1);
      assert.equal(broker.of('delete').length, deletes);
    });

    test('SIGTERM with a task that does not end: the grace, then it leaves', async () => {
      await setUp();
      up.next({ hold: true });
      const worker = await launchBound(command, [...model, '--grace', '1']);
      broker.infer();
      await up.arrived(1);
      worker.child.kill('SIGINT');
      assert.deepEqual(await worker.ended(), { code: 0, signal: null });
      assert.equal(broker.of('delete').length, deletes);
      await idle();
    });

    test('a second signal ends it at once', async () => {
      await setUp();
      up.next({ hold: true });
      const worker = await launchBound(command, model);
      broker.infer();
      await up.arrived(1);
      worker.child.kill('SIGTERM');
      await broker.saw('drain');
      worker.child.kill('SIGTERM');
      assert.equal((await worker.ended()).code, 130);
    });

    test('a name that is taken: exit 6; a key that does not do: exit 4', async () => {
      await setUp();
      broker.script.register = [{ status: 409, body: { error: { message: 'desk is served by an upstream', code: 'name_conflict' } } }];
      const taken = launch(command, model);
      assert.equal((await taken.ended()).code, 6);
      assert.match(taken.stderr, /desk is served by an upstream/);
      broker.key = 'secret-key';
      const wrong = launch(command, model, { SIGNALBOX_API_KEY: 'other-key' });
      assert.equal((await wrong.ended()).code, 4);
      assert.ok(!wrong.stderr.includes('other-key'), 'keys are not shown');
    });
  });
}
