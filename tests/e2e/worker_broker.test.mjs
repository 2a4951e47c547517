// Worker and broker together, as processes: `signalbox worker` and examples/worker.py bind a scripted local server to a real daemon,
// and callers notice nothing of it. What a worker does when its broker is in a mood is in worker_program.test.mjs.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binary, cleanEnv, startDaemon } from './support/daemon.mjs';
import { spoken } from './support/http.mjs';
import { guard, tempDir } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAMS = { 'signalbox worker': () => [binary(), 'worker'], 'examples/worker.py': () => ['python3', path.join(root, 'examples/worker.py')] };

for (const [name, program] of Object.entries(PROGRAMS)) {
  describe(`${name} on a real broker`, { timeout: 120_000 }, () => {
    let daemon, up, worker;

    const launch = (more = []) => {
      const [file, ...args] = program();
      const child = guard(spawn(file, [...args, '--broker', daemon.base, '--upstream', up.url, '--llm', 'desk', '--model', 'model-a', '--capacity', '2', ...more], { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] }));
      worker = { child, stderr: '' };
      child.stderr.on('data', (b) => { worker.stderr += b; });
      worker.exited = new Promise((resolve) => child.once('exit', (code, signal) => { worker.exit = { code, signal }; resolve(worker.exit); }));
    };
    const bound = () => until('the worker is bound', async () => (await daemon.json('/api/v1/workers')).workers.some((w) => w.bound && w.state === 'active'), { within: 20_000, seen: () => worker.stderr });

    before(async () => {
      up = await startUpstream();
      daemon = await startDaemon();
      launch();
      await bound();
    });
    after(async () => {
      if (worker && !worker.exit) { worker.child.kill('SIGKILL'); await worker.exited; }
      await daemon?.stop();
      await up?.stop();
    });

    test('a plain call, a stream, an embedding', async () => {
      const plain = await daemon.chat({ model: 'desk' });
      assert.equal(plain.status, 200, plain.text);
      assert.equal(plain.json.choices[0].message.content, sentence(4));
      assert.equal(plain.headers['x-signalbox-backend'], 'desk');
      const stream = await daemon.chat({ model: 'desk', stream: true });
      assert.equal(stream.status, 200, stream.text);
      assert.equal(spoken(stream.text), sentence(4));
      assert.match(stream.text, /data: \[DONE\]\n\n$/);
      const embedding = await daemon.post('/v1/embeddings', { model: 'desk', input: ['a', 'b'] });
      assert.equal(embedding.json?.data?.length, 2, embedding.text);
    });

    test('many streams at once', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => daemon.chat({ model: 'desk', stream: true }, {}, 30_000)));
      for (const r of answers) assert.equal(spoken(r.text), sentence(4), r.text);
      assert.ok(up.maxInFlight <= 2, `never more than its capacity, got ${up.maxInFlight}`);
    });

    test("the local server's 4xx reaches the caller", async () => {
      up.next({ status: 400, body: { error: { message: 'context too long', code: 400 } } });
      const r = await daemon.chat({ model: 'desk' });
      assert.equal(r.status, 400, r.text);
      assert.match(r.text, /context too long/);
    });

    test('a caller that hangs up stops the local call', async () => {
      await up.reset();
      up.next({ tokens: 1000, tokenDelayMs: 5 });
      const call = daemon.openChat({ model: 'desk', stream: true });
      await within('the first byte', call.firstByte);
      call.abort();
      await until('the local call is aborted', () => up.requests[0].state === 'aborted');
    });

    test('kill -9 of the broker: the worker comes back, the task is finished', async () => {
      await up.reset();
      up.next({ hold: true });
      const made = await daemon.post('/api/v1/inference-tasks', { llm: 'desk', request: { model: 'desk', messages: [{ role: 'user', content: 'hi' }] } });
      assert.equal(made.status, 201, made.text);
      await up.arrived(1);
      await daemon.restart();
      await bound();
      up.release();
      const row = await daemon.taskWhen(made.json.id, 'completed', (t) => t.status === 'completed', { within: 20_000 });
      assert.equal(row.response_body.choices[0].message.content, sentence(4));
      assert.equal((await daemon.chat({ model: 'desk' })).status, 200);
    });

    test("an operator's drain: it leaves, and the name is free", async () => {
      const [session] = (await daemon.json('/api/v1/workers')).workers.filter((w) => w.bound);
      assert.equal((await daemon.post(`/api/v1/workers/${session.session}/drain`, {})).status, 200);
      assert.deepEqual(await within('the worker ends', worker.exited), { code: 0, signal: null });
      assert.equal((await daemon.json('/api/v1/workers')).workers.filter((w) => w.bound).length, 0);
    });

    test('SIGTERM with a running task: its caller gets the answer', async () => {
      await up.reset();
      launch();
      await bound();
      up.next({ hold: true });
      const call = daemon.openChat({ model: 'desk' });
      await up.arrived(1);
      worker.child.kill('SIGTERM');
      await until('the broker knows', async () => (await daemon.json('/api/v1/workers')).workers.some((w) => w.state === 'draining'));
      up.release();
      const r = await call.done;
      assert.equal(r.status, 200, r.text);
      assert.deepEqual(await within('the worker ends', worker.exited), { code: 0, signal: null });
    });

    test('a sleeping server is woken by the first call for it', { skip: name === 'signalbox worker' ? false : 'the example does not wake' }, async () => {
      await up.stop();
      const mark = path.join(tempDir(), 'woken');
      launch(['--hibernating', '--wake-command', `touch ${mark}`]);
      await until('the worker is bound', async () => (await daemon.json('/api/v1/workers')).workers.some((w) => w.bound), { seen: () => worker.stderr });
      assert.equal((await daemon.json('/api/v1/llms/desk')).status, 'hibernating');
      const calls = [1, 2].map(() => daemon.openChat({ model: 'desk' }));
      await until('the wake command has run', () => fs.existsSync(mark), { seen: () => worker.stderr });
      await up.start();
      for (const call of calls) {
        const r = await call.done;
        assert.equal(r.status, 200, r.text);
      }
      assert.equal((await daemon.json('/api/v1/llms/desk')).status, 'active');
    });
  });
}
