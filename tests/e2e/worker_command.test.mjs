// `signalbox worker` beyond what every worker program does: its arguments, keys, session file, wake command, signals.
import { afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, run } from './support/daemon.mjs';
import { tempDir } from './support/temp.mjs';
import { sentence } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';
import { PROGRAMS, broker, idle, launch, launchBound, setUp, spokenBy, tearDown, up } from './support/worker_bench.mjs';

describe('signalbox worker: the command', { timeout: 120_000 }, () => {
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
