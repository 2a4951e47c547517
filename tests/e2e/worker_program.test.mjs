// The programs that bind a local LLM server to a broker: `signalbox worker` and examples/worker.py. The broker is a scripted one, so
// that each of its moods can be had at will; the local server is a scripted one too. What both programs must do comes first.
import { afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binary, cleanEnv, freePort, run } from './support/daemon.mjs';
import { startMockBroker } from './support/mock_broker.mjs';
import { guard, tempDir } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAMS = { 'signalbox worker': () => [binary(), 'worker'], 'examples/worker.py': () => ['python3', path.join(root, 'examples/worker.py')] };

let broker, up, workers = [];

/// A worker program of the test's own, ended by its pid.
function launch(command, args = [], env = {}) {
  const all = [...command.slice(1), '--broker', broker.url, '--upstream', up.url, '--llm', 'desk', ...args];
  const child = guard(spawn(command[0], all, { env: { ...cleanEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
  const worker = { child, stderr: '', exit: undefined };
  child.stderr.on('data', (b) => { worker.stderr += b; });
  worker.exited = new Promise((resolve) => child.once('exit', (code, signal) => { worker.exit = { code, signal }; resolve(worker.exit); }));
  worker.ended = (ms) => within(`the worker ends; stderr: ${worker.stderr}`, worker.exited, ms);
  workers.push(worker);
  return worker;
}
async function launchBound(command, args, env) {
  const worker = launch(command, args, env);
  await broker.bound({ seen: () => worker.stderr });
  return worker;
}
const spokenBy = (chunks) => chunks.map((c) => JSON.parse(c)).map((c) => c.choices?.[0]?.delta?.content ?? '').join('');
const idle = () => until('the local server is idle', () => up.inFlight === 0);

async function setUp() {
  broker = await startMockBroker();
  up = await startUpstream();
}
async function tearDown() {
  for (const w of workers) if (!w.exit) { w.child.kill('SIGKILL'); await w.exited; }
  workers = [];
  await broker.stop();
  await up.stop();
}

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

describe('signalbox worker: the rest', { timeout: 120_000 }, () => {
  let command;
  before(() => { command = PROGRAMS['signalbox worker'](); });
  afterEach(tearDown);

  test('arguments', async () => {
    await setUp();
    const bad = async (...args) => {
      const r = await run(['worker', ...args], { ms: 5000 });
      assert.equal(r.code, 2, r.stderr);
      return r.stderr;
    };
    const enough = ['--upstream', up.url, '--llm', 'desk'];
    await bad();
    await bad('--upstream', up.url);
    assert.match(await bad('--upstream', 'ftp://x', '--llm', 'desk'), /--upstream/);
    assert.match(await bad('--upstream', up.url, '--llm', 'a b'), /--llm/);
    assert.match(await bad(...enough, '--hibernating'), /--wake-command/);
    assert.match(await bad(...enough, '--hibernating', '--wake-command', 'true'), /--model/);
    assert.match(await bad(...enough, '--upstream-key-env', 'NO_SUCH_KEY'), /NO_SUCH_KEY/);
    await bad(...enough, '--capacity', '0');
    await bad(...enough, '--type', 'other');
    const help = await run(['worker', '--help'], { ms: 5000 });
    assert.equal(help.code, 0);
    for (const flag of ['--broker', '--upstream', '--llm', '--session-file', '--grace']) assert.ok(help.stdout.includes(flag), flag);
  });

  test('without --model the local server is asked, as soon as it is there', async () => {
    await setUp();
    await up.stop();
    const worker = launch(command);
    await until('it says that it waits', () => /waiting for the local server/.test(worker.stderr));
    assert.equal(broker.calls.length, 0);
    await up.start();
    await broker.bound();
    assert.equal(broker.of('register')[0].body.llms[0].model, 'model-a');
  });

  test('the broker may come later than the worker', async () => {
    await setUp();
    await broker.stop();
    const worker = launch(command);
    await until('it says that it waits', () => /trying again/.test(worker.stderr));
    await broker.start();
    await broker.bound({ within: 10_000 });
    assert.equal(worker.exit, undefined);
  });

  test("keys: the broker's from a file, the local server's from a variable", async () => {
    await setUp();
    const keyFile = path.join(tempDir(), 'key');
    fs.writeFileSync(keyFile, 'file-key\n');
    broker.key = 'file-key';
    const worker = await launchBound(command, ['--key-file', keyFile, '--upstream-key-env', 'LOCAL_KEY'], { LOCAL_KEY: 'local-secret', SIGNALBOX_API_KEY: 'ignored' });
    await broker.result(broker.infer());
    assert.equal(up.requests[0].headers.authorization, 'Bearer local-secret');
    assert.ok(!fs.readFileSync(`/proc/${worker.child.pid}/cmdline`, 'utf8').includes('secret'));
  });

  test('--session-file: a restarted worker is the same session', async () => {
    await setUp();
    const file = path.join(tempDir(), 'session');
    const first = await launchBound(command, ['--session-file', file]);
    const { session } = broker.of('bind')[0];
    await until('the session is on disk', () => fs.existsSync(file) && fs.readFileSync(file, 'utf8') === `${session}\n`);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    first.child.kill('SIGKILL');
    await first.exited;
    await until('the stream is gone', () => ![...broker.sessions.values()].some((s) => s.stream));
    await launchBound(command, ['--session-file', file]);
    assert.equal(broker.of('register')[1].body.session, session);
  });

  test('a name that is taken while the worker was away: it keeps trying', async () => {
    await setUp();
    const worker = await launchBound(command);
    broker.script.register = [{ status: 409, code: 'name_conflict' }, { status: 503, code: 'draining' }];
    broker.forget();
    await broker.saw('register', 4);
    await broker.bound();
    assert.equal(worker.exit, undefined);
  });

  test('404 on a heartbeat or a result: registered anew, what ran is dropped', async () => {
    await setUp();
    broker.heartbeatS = 1;
    up.always = { hold: true };
    await launchBound(command);
    broker.infer();
    await up.arrived(1);
    broker.script.heartbeat = [{ status: 404, code: 'session_not_found' }];
    await broker.saw('register', 2);
    await until('the local call is aborted', () => up.requests[0].state === 'aborted');
    await broker.bound();
    up.always = {};
    broker.script.result = [{ status: 404, code: 'session_not_found' }];
    broker.infer();
    await broker.saw('register', 3);
    await broker.bound();
    await broker.result(broker.infer());
  });

  test('a chunk that may have arrived is not sent twice: the task fails as retryable', async () => {
    await setUp();
    up.next({ tokens: 1000, tokenDelayMs: 5 });
    await launchBound(command);
    broker.script.chunk = [{ status: 200 }, { status: 502, code: 'proxy' }];
    const result = await broker.result(broker.infer({ streaming: true }));
    assert.equal(result.body.error.retryable, true);
    await until('the local call is aborted', () => up.requests[0].state === 'aborted');
  });

  test('a stream asked for and a whole body given: the body is the result', async () => {
    await setUp();
    await launchBound(command);
    up.next({ raw: ['{"object":"chat.completion","choices":[]}'], contentType: 'application/json' });
    const result = await broker.result(broker.infer({ streaming: true }));
    assert.deepEqual(result.body, { status: 200, body: { object: 'chat.completion', choices: [] }, attempt: 1 });
    up.next({ raw: ['<html>'], contentType: 'text/html' });
    assert.match((await broker.result(broker.infer())).body.error.message, /no JSON/);
  });

  test('connections to the broker are kept, and frames cut anywhere are read', async () => {
    await setUp();
    up.always = { tokens: 50, tokenDelayMs: 4 };
    await launchBound(command);
    const before_ = broker.connections;
    for (let i = 0; i < 3; i++) await broker.result(broker.infer({ streaming: true }));
    assert.ok(broker.of('chunk').length >= 6, `several POSTs, got ${broker.of('chunk').length}`);
    assert.ok(broker.connections - before_ <= 2, `on ${broker.connections - before_} new connections`);
    const session = [...broker.sessions.values()][0];
    const frame = `event: infer\ndata: ${JSON.stringify({ task: 'cut', llm: 'desk', model: 'model-a', kind: 'chat', request: { messages: [] }, streaming: false, attempt: 1 })}\n\n`;
    broker.tasks.set('cut', { session: session.id, frame: { attempt: 1 }, done: false });
    for (const byte of frame) { session.stream.write(byte); await new Promise((r) => setImmediate(r)); }
    await broker.result('cut');
  });

  test('wake: the command is run once for all who wait, the answer comes when the server does', async () => {
    await setUp();
    await up.stop();
    const mark = path.join(tempDir(), 'woken');
    const worker = await launchBound(command, ['--hibernating', '--model', 'model-a', '--wake-command', `echo up >> ${mark}`, '--wake-timeout', '10']);
    assert.equal(broker.of('register')[0].body.llms[0].status, 'hibernating');
    const [beat] = await broker.saw('heartbeat');
    assert.deepEqual(beat.body.llms, [{ name: 'desk', status: 'hibernating' }]);
    broker.event('wake', { task: 'wake-1', llm: 'desk' });
    broker.event('wake', { task: 'wake-2', llm: 'desk' });
    await until('the command has run', () => fs.existsSync(mark));
    assert.equal(broker.of('result').length, 0);
    await up.start();
    for (const wake of ['wake-1', 'wake-2']) assert.deepEqual((await broker.saw('result', 1, (c) => c.task === wake))[0].body, { status: 200 });
    assert.equal(fs.readFileSync(mark, 'utf8'), 'up\n', worker.stderr);
    await broker.result(broker.infer());
    await up.stop();
    await broker.result(broker.infer());
    const beats = await broker.saw('heartbeat', 2);
    assert.equal(beats.at(-1).body.llms[0].status, 'hibernating', 'a server that is gone again is asleep again');
  });

  test('wake: a command that is the server itself, and commands that fail', async () => {
    await setUp();
    const port = await freePort();
    const dir = tempDir();
    const script = path.join(dir, 'wake.sh');
    const server = path.join(dir, 'server.js');
    // Ends by itself should the test be ended first.
    fs.writeFileSync(server, `require('http').createServer((q, s) => s.end('{"data":[{"id":"m"}]}')).listen(${port}); setTimeout(() => process.exit(), 30000);`);
    fs.writeFileSync(script, `echo $$ > ${dir}/pid\nexec node ${server}\n`);
    const saved = up.port;
    up.port = port;
    await up.stop();
    const worker = await launchBound(command, ['--hibernating', '--model', 'm', '--wake-command', `sh ${script}`, '--wake-timeout', '20']);
    up.port = saved;
    broker.event('wake', { task: 'wake-1', llm: 'desk' });
    const [woken] = await broker.saw('result', 1, (c) => c.task === 'wake-1', { within: 20_000, seen: () => worker.stderr });
    assert.deepEqual(woken.body, { status: 200 });
    process.kill(+fs.readFileSync(path.join(dir, 'pid'), 'utf8'), 'SIGKILL');
    fs.writeFileSync(script, 'exit 3\n');
    broker.event('wake', { task: 'wake-2', llm: 'desk' });
    assert.match((await broker.saw('result', 1, (c) => c.task === 'wake-2'))[0].body.error.message, /exit code 3/);
  });

  test('wake: a server that does not come up in time, whose command is ended', async () => {
    await setUp();
    await up.stop();
    const pidFile = path.join(tempDir(), 'pid');
    await launchBound(command, ['--hibernating', '--model', 'm', '--wake-command', `echo $$ > ${pidFile}; sleep 60`, '--wake-timeout', '1']);
    broker.event('wake', { task: 'wake-1', llm: 'desk' });
    const [result] = await broker.saw('result', 1, (c) => c.task === 'wake-1');
    assert.match(result.body.error.message, /did not answer within 1 s/);
    const pid = +fs.readFileSync(pidFile, 'utf8');
    await until('the command is gone', () => { try { process.kill(pid, 0); return false; } catch { return true; } });
  });

  test('a signal before there is anything to leave', async () => {
    await setUp();
    await broker.stop();
    await up.stop();
    const waiting = launch(command);
    await until('it waits for the local server', () => /waiting for the local server/.test(waiting.stderr));
    waiting.child.kill('SIGTERM');
    assert.deepEqual(await waiting.ended(), { code: 0, signal: null });
    const away = launch(command, ['--model', 'model-a']);
    await until('it waits for the broker', () => /trying again/.test(away.stderr));
    away.child.kill('SIGTERM');
    assert.deepEqual(await away.ended(), { code: 0, signal: null });
  });

  test('a signal while the broker is away: running tasks have their grace', async () => {
    await setUp();
    up.always = { hold: true };
    const worker = await launchBound(command, ['--grace', '1']);
    broker.infer();
    await up.arrived(1);
    await broker.stop();
    worker.child.kill('SIGTERM');
    assert.deepEqual(await worker.ended(), { code: 0, signal: null });
    await idle();
    await broker.start();
  });

  test('many tasks at once, some cancelled, some lost, over a restart of the broker', async () => {
    await setUp();
    up.always = { tokens: 20, tokenDelayMs: 1 };
    await launchBound(command, ['--capacity', '128']);
    broker.script.chunk = Array.from({ length: 400 }, (_, i) => (i % 97 === 50 ? { status: 409, code: 'stale_claim' } : i % 31 === 30 ? { status: 503, code: 'draining' } : {}));
    const send = (count) => Array.from({ length: count }, (_, i) => broker.infer({ streaming: i % 3 !== 0 }));
    const first = send(60);
    for (const task of first.filter((_, i) => i % 10 === 9)) broker.cancel(task);
    await broker.saw('result', 20, () => true, { within: 20_000 });
    await broker.stop();
    await broker.start();
    await broker.bound({ within: 10_000 });
    const all = [...first, ...send(60)];
    const refused = new Set(broker.of('chunk', (c) => c.status === 409).map((c) => c.task));
    const owed = () => all.filter((task) => broker.tasks.get(task).session && !broker.tasks.get(task).done && !broker.of('chunk', (c) => c.status === 409 && c.task === task).length);
    await until('every task has its result', () => owed().length === 0, { within: 30_000, seen: () => owed() });
    await idle();
    for (const task of all) {
      const { attempt } = broker.tasks.get(task).frame;
      const done = broker.of('result', (c) => c.task === task && c.status === 200 && c.body.done);
      if (!done.length || refused.has(task)) continue;
      const taken = broker.of('chunk', (c) => c.task === task && c.status === 200 && c.body.attempt === attempt).flatMap((c) => c.body.chunks);
      assert.equal(spokenBy(taken), sentence(20), `the chunks of ${task}`);
    }
  });

  test('a stream that falls silent for 45 s is closed, not sooner', { skip: process.env.E2E_SLOW ? false : 'takes 47 s; E2E_SLOW=1 runs it' }, async () => {
    await setUp();
    const worker = await launchBound(command);
    const [first] = broker.of('bind');
    const [, second] = await broker.saw('bind', 2, () => true, { within: 60_000 });
    assert.ok(second.at - first.at > 44_000, `bound again after ${second.at - first.at} ms`);
    assert.match(worker.stderr, /nothing came for too long/);
  });

  test('--quiet says nothing while all is well', async () => {
    await setUp();
    const worker = await launchBound(command, ['--quiet']);
    await broker.result(broker.infer());
    worker.child.kill('SIGTERM');
    await worker.ended();
    assert.equal(worker.stderr, '');
  });
});
