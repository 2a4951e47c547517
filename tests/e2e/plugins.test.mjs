// Plugins in a real daemon: the two of examples/plugins at work, and plugins that throw, stall or do not fit.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { binary, run, startDaemon, toYaml } from './support/daemon.mjs';
import { expectError, expectOk, expectTaskHeaders } from './support/expect.mjs';
import { isDone, payloads, spoken } from './support/http.mjs';
import { tempDir } from './support/temp.mjs';
import { until } from './support/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const library = (name) => path.join(path.dirname(binary()), 'plugins', `${name}.so`);
const echo = (settings = {}) => ({ path: library('echo'), settings });
const broken = (faults) => ({ path: library('broken'), settings: faults });
const say = (content) => [{ role: 'user', content }];
const llm = async (daemon, name) => (await daemon.json('/api/v1/llms')).llms.find((l) => l.name === name);

describe('the example plugins', { timeout: 120_000 }, () => {
  let daemon, client;
  before(async () => {
    daemon = await startDaemon({ config: { plugins: [
      echo({ capacity: 2, word_delay_ms: 20 }),
      { name: 'night', path: library('night_shift'), settings: { llm: 'plugin-echo', quiet_ms: 1500, prompts: ['one two', 'three'] } },
    ] } });
    client = new OpenAI({ baseURL: `${daemon.base}/v1`, apiKey: 'x', maxRetries: 0 });
  });
  after(() => daemon?.stop());

  test('night_shift works when nobody has called for a while', async () => {
    await until('both prompts are answered', () => /prompt 2 of 2 is answered by plugin-echo/.test(daemon.logs), { seen: () => daemon.logs });
    assert.match(daemon.logs, /signalbox: plugin night: prompt 1 of 2 is answered by plugin-echo, \d+ bytes/);
    const tasks = (await daemon.tasks()).filter((t) => t.owner === 'plugin:night');
    assert.equal(tasks.length, 2);
    assert.ok(tasks.every((t) => t.status === 'completed' && t.priority === 'background' && t.llm === 'plugin-echo'), JSON.stringify(tasks));
    const [row] = await daemon.callsWhen('night shift 1', 'it has ended');
    assert.equal(row.owner, 'plugin:night');
  });

  test('its LLM is listed as others are', async () => {
    assert.match(daemon.output, /models: .*plugin-echo/);
    assert.ok((await daemon.json('/v1/models')).data.some((m) => m.id === 'plugin-echo'));
    const listed = await llm(daemon, 'plugin-echo');
    assert.equal(listed.kind, 'plugin');
    assert.equal(listed.type, 'echo');
    assert.equal(listed.status, 'active');
    assert.equal(listed.capacity, 2);
  });

  test('a chat through the OpenAI front: answered, counted, in a row of its own', async () => {
    const r = expectOk(await daemon.chat({ model: 'plugin-echo', messages: say('hello out there') }, { 'X-Signalbox-Description': 'plugin chat' }));
    assert.equal(r.json.choices[0].message.content, 'hello out there');
    assert.deepEqual(r.json.usage, { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 });
    expectTaskHeaders(r, { profile: 'openai_compat:plugin-echo', backend: 'plugin-echo', attempts: '1' });
    const [row] = await daemon.callsWhen('plugin chat', 'it has ended');
    assert.equal(row.status, 'ok');
    assert.equal(row.backend, 'plugin-echo');
    const task = await daemon.task(r.headers['x-signalbox-task']);
    assert.equal(task.status, 'completed');
  });

  test('a stream, by our client and by the official one', async () => {
    const call = daemon.openChat({ model: 'plugin-echo', stream: true, messages: say('a b c d e f g h') });
    const r = expectOk(await call.done);
    assert.equal(r.headers['content-type'], 'text/event-stream');
    assert.equal(spoken(r.text), 'a b c d e f g h');
    assert.ok(isDone(r.text));
    assert.ok(call.chunkTimes.at(-1) - r.startedAt >= 8 * 20 * 0.9, 'word by word');
    let text = '', usage;
    for await (const piece of await client.chat.completions.create({ model: 'plugin-echo', messages: say('x y'), stream: true, stream_options: { include_usage: true } })) {
      text += piece.choices[0]?.delta?.content ?? '';
      usage = piece.usage ?? usage;
    }
    assert.equal(text, 'x y');
    assert.equal(usage.completion_tokens, 2);
  });

  test('a prompt and an LLM by name give the same words; what it cannot do is its error', async () => {
    const r = expectOk(await daemon.post('/v1/completions', { model: 'plugin-echo', prompt: 'one two' }));
    assert.equal(r.json.choices[0].text, 'one two');
    const direct = expectOk(await daemon.post('/api/v1/llms/plugin-echo/infer', { messages: say('one two') }));
    assert.match(JSON.stringify(direct.json), /one two/);
    expectError(await daemon.post('/v1/embeddings', { model: 'plugin-echo', input: 'x' }), 'backend_error', { status: 502 });
    expectError(await daemon.chat({ model: 'plugin-echo', messages: [{ role: 'user' }] }), 'backend_error', { status: 502, message: /could be read/ });
  });

  test('its capacity is its number of slots; a hang-up frees one', async () => {
    const words = 'w '.repeat(500);
    const calls = [1, 2, 3].map(() => daemon.openChat({ model: 'plugin-echo', stream: true, messages: say(words) }));
    await daemon.profileWhen('openai_compat:plugin-echo', 'two run, one waits', (p) => p.in_flight === 2 && p.waiting.workflow === 1);
    for (const call of calls) call.abort();
    await daemon.idle();
    assert.equal((await llm(daemon, 'plugin-echo')).running, 0);
  });
});

test('the whole plugin of docs/plugins.md compiles as it stands there, and answers', { timeout: 120_000 }, async (t) => {
  const dir = tempDir();
  const source = /```cpp\n([^]*?)```/.exec(fs.readFileSync(path.join(root, 'docs/plugins.md'), 'utf8'))[1];
  fs.writeFileSync(path.join(dir, 'oracle.cpp'), source);
  const made = await run(['-std=c++20', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden', '-I', root, 'oracle.cpp', '-o', 'oracle.so'],
    { bin: 'g++', cwd: dir, ms: 90_000 });
  if (made.error?.code === 'ENOENT') return t.skip('no g++ here');
  assert.equal(made.code, 0, made.stderr);
  const daemon = await startDaemon({ dir, config: { plugins: [{ path: 'oracle.so' }] } });
  try {
    const r = expectOk(await daemon.chat({ model: 'oracle' }));
    assert.equal(r.json.choices[0].message.content, 'Ask again later');
    const s = expectOk(await daemon.chat({ model: 'oracle', stream: true }));
    assert.equal(spoken(s.text), 'Ask again later');
    assert.match(daemon.logs, /signalbox: plugin oracle: open for questions/);
  } finally {
    await daemon.stop();
  }
});

describe('a plugin that throws', { timeout: 120_000 }, () => {
  test('in a call: the backend\'s error after its attempts, and the daemon goes on', async () => {
    const daemon = await startDaemon({ config: { plugins: [broken({ run: 'throw', event: 'throw' }), echo()] } });
    try {
      const r = await daemon.chat({ model: 'broken' }, { 'X-Signalbox-Description': 'thrown' });
      expectError(r, 'backend_error', { status: 502, source: 'backend', message: /the plugin threw: broken in run/ });
      const [row] = await daemon.callsWhen('thrown', 'it has ended');
      assert.equal(row.attempts, 3);
      assert.equal(row.error_kind, 'backend_error');
      expectError(await daemon.chat({ model: 'broken' }), 'backend_error', { status: 502 });
      await until('its breaker opens', async () => (await llm(daemon, 'broken')).breaker !== 'closed');
      expectOk(await daemon.chat({ model: 'plugin-echo' }));
      assert.match(daemon.logs, /signalbox: plugin broken: on_call threw: broken in event/);
    } finally {
      assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    }
  });

  test('in mid-stream: the stream ends with the error and no [DONE]', async () => {
    const daemon = await startDaemon({ config: { plugins: [broken({ run: 'mid' })] } });
    try {
      const r = await daemon.chat({ model: 'broken', stream: true });
      assert.equal(spoken(r.text), 'half');
      assert.equal(payloads(r.text).at(-1).error.code, 'backend_stream_failed');
      assert.ok(!isDone(r.text), r.text);
    } finally {
      await daemon.stop();
    }
  });

  test('at its start: nothing of it stays, the others do', async () => {
    const daemon = await startDaemon({ config: { plugins: [broken({ start: 'throw', stop: 'throw' }), echo()] } });
    try {
      assert.match(daemon.logs, /signalbox: plugin broken: start threw: broken in start/);
      await until('its LLM is gone', async () => !(await llm(daemon, 'broken')));
      expectError(await daemon.chat({ model: 'broken' }), 'model_not_found');
      expectOk(await daemon.chat({ model: 'plugin-echo' }));
    } finally {
      assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    }
    assert.match(daemon.logs, /stop threw: broken in stop/);
  });
});

describe('a plugin that stalls', { timeout: 120_000 }, () => {
  test('in a call: ended by its budget, known as down, left behind at the end', async () => {
    const daemon = await startDaemon({ config: { plugins: [broken({ run: 'stall' }), echo()] } });
    let stoppedAt;
    try {
      const startedAt = Date.now();
      const stalled = daemon.chat({ model: 'broken' }, { 'X-Signalbox-Inference-S': '1', 'X-Signalbox-Description': 'stalled' });
      expectOk(await daemon.chat({ model: 'plugin-echo' }));
      expectError(await stalled, 'inference_timeout');
      assert.ok(Date.now() - startedAt < 5000, 'on time');
      await until('its lease is back', async () => (await llm(daemon, 'broken')).running === 0);
      const [row] = await daemon.callsWhen('stalled', 'it has ended');
      assert.equal(row.status, 'inference_timeout');
      assert.equal((await llm(daemon, 'broken')).failures, 1);
      // Its only thread is lost: who comes now is told so, and the LLM is down.
      expectError(await daemon.chat({ model: 'broken' }), 'backend_unreachable', { message: /does not come back/ });
      await until('it is known to be down', async () => (await llm(daemon, 'broken')).status === 'inactive');
      expectOk(await daemon.chat({ model: 'plugin-echo' }));
    } finally {
      stoppedAt = Date.now();
      assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    }
    assert.ok(Date.now() - stoppedAt < 8000, `stopped in ${Date.now() - stoppedAt} ms`);
    assert.match(daemon.logs, /signalbox: plugin broken: does not stop: it is left behind/);
    assert.doesNotMatch(daemon.logs, /plugin echo: does not stop/);
  });

  test('for a while: back when it comes back', async () => {
    const daemon = await startDaemon({ config: { plugins: [broken({ run: 'slow' })] } });
    try {
      expectError(await daemon.chat({ model: 'broken' }, { 'X-Signalbox-Inference-S': '0.5' }), 'inference_timeout');
      await until('its lease is back', async () => (await llm(daemon, 'broken')).running === 0);
      expectError(await daemon.chat({ model: 'broken' }), 'backend_unreachable');
      await until('it is down', async () => (await llm(daemon, 'broken')).status === 'inactive');
      await until('it is there again', async () => (await llm(daemon, 'broken')).status === 'active');
      const r = expectOk(await daemon.chat({ model: 'broken' }));
      assert.equal(r.json.choices[0].message.content, 'fine');
    } finally {
      await daemon.stop();
    }
  });

  test('in start and in an event: the house opens and works without it', async () => {
    const daemon = await startDaemon({ config: { plugins: [broken({ start: 'stall' }), { ...broken({ event: 'stall' }), name: 'deaf' }, echo()] } });
    try {
      for (let i = 0; i < 20; ++i) expectOk(await daemon.chat({ model: 'plugin-echo' }));
    } finally {
      assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
    }
    assert.match(daemon.logs, /plugin broken: does not stop/);
    assert.match(daemon.logs, /plugin deaf: does not stop/);
  });
});

describe('a plugin that does not fit', { timeout: 60_000 }, () => {
  /// What `config check` and `serve` say of a file with these plugins; both must refuse it alike.
  async function refusal(plugins) {
    const dir = tempDir();
    const file = path.join(dir, 'signalbox.yaml');
    fs.writeFileSync(file, toYaml({ http: { port: 0 }, store: { path: path.join(dir, 'store') }, upstreams: [], plugins }));
    const check = await run(['config', 'check', file]);
    const serve = await run(['serve', '--config', file]);
    for (const r of [check, serve]) assert.equal(r.code, 2, `${r.code} ${r.stdout} ${r.stderr}`);
    assert.equal(check.stderr, serve.stderr);
    assert.ok(!fs.existsSync(path.join(dir, 'store')), 'nothing was begun');
    return check.stderr;
  }

  test('another signalbox\'s: both versions are named, and the place in the file', async () => {
    assert.match(await refusal([{ path: library('foreign') }]),
      /signalbox\.yaml:\d+:\d+: plugins\[0\]\.path: \S*foreign\.so was built for signalbox 9\.3\.1 \(plugin ABI 7\), this is signalbox 0\.1\.0 \(plugin ABI 1\): build it anew/);
  });

  test('no plugin, no file, not linked in', async () => {
    const dir = tempDir();
    fs.writeFileSync(path.join(dir, 'text.so'), 'hello');
    assert.match(await refusal([{ path: path.join(dir, 'text.so') }]), /plugins\[0\]\.path: cannot be loaded: .*text\.so/);
    assert.match(await refusal([{ path: path.join(dir, 'gone.so') }]), /cannot be loaded/);
    assert.match(await refusal([{ name: 'some' }]), /plugins\[0\]\.name: some is not linked into this signalbox/);
  });

  test('settings that it refuses', async () => {
    assert.match(await refusal([echo({ lm: 'x' })]), /plugins\[0\]\.settings: echo has llm and pool .* not lm: "x"/);
    assert.match(await refusal([broken({ make: 'throw' })]), /plugins\[0\]\.settings: broken in make/);
  });

  test('config check tells how many there are; a relative path is taken from the file\'s folder', async () => {
    const dir = tempDir();
    fs.copyFileSync(library('echo'), path.join(dir, 'mine.so'));
    const file = path.join(dir, 'signalbox.yaml');
    fs.writeFileSync(file, 'upstreams: []\nplugins:\n  - path: mine.so\n');
    const r = await run(['config', 'check', file]);
    assert.equal(r.code, 0, r.stderr);
    assert.match(r.stdout, /1 plugin\b/);
  });
});
