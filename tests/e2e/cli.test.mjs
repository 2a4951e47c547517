// The command line as scripts and people use it: what goes to stdout and stderr, in words and as JSON, and with which exit code.
// Codes: 0 done, 1 failure, 2 usage or bad configuration, 3 timed out waiting, 4 key, 5 unreachable, 6 rejected, 7 the task failed, 130 Ctrl-C.
import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { binary, cleanEnv, freePort, run, startDaemon } from './support/daemon.mjs';
import { expectOk } from './support/expect.mjs';
import { guard, tempDir } from './support/temp.mjs';
import { sentence, startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const CODE = { ok: 0, failure: 1, usage: 2, timedOut: 3, key: 4, unreachable: 5, rejected: 6, taskFailed: 7, interrupted: 130 };
const told = (r) => `exit code ${r.code}${r.late ? ' (did not end by itself)' : ''}\nstdout: ${r.stdout.slice(0, 1500)}\nstderr: ${r.stderr.slice(0, 1500)}`;

/// Ended with `code`; stdout is for data only, so an error says its word on stderr.
function expectExit(r, code) {
  assert.equal(r.late, false, told(r));
  assert.equal(r.code, code, told(r));
  assert.ok(!/\x1b\[/.test(r.stdout + r.stderr), `no colours when it is no terminal: ${told(r)}`);
  if (code !== 0) assert.ok(r.stderr.trim().length > 0, `it says why on stderr: ${told(r)}`);
  return r;
}
/// The rows of a table with their columns by header.
function table(text) {
  const lines = text.trimEnd().split('\n');
  const names = [...lines[0].matchAll(/\S+/g)].map((m) => ({ name: m[0], at: m.index }));
  return { columns: names.map((n) => n.name), rows: lines.slice(1).map((line) => Object.fromEntries(names.map((n, i) => [n.name, line.slice(n.at, names[i + 1]?.at).trim()]))) };
}
const listOf = (text, what) => {
  const json = JSON.parse(text);
  return Array.isArray(json) ? json : json[what];
};

describe('without a daemon', { timeout: 60_000 }, () => {
  test('--version and --help', async () => {
    const v = expectExit(await run(['--version'], { ms: 5000 }), CODE.ok);
    assert.match(v.stdout, /^signalbox \d+\.\d+\.\d+( \([0-9a-f]+\+?\))?\n$/);
    const h = expectExit(await run(['--help'], { ms: 5000 }), CODE.ok);
    for (const word of ['serve', 'get', 'chat-llm', 'config']) assert.ok(h.stdout.includes(word), `help names ${word}: ${h.stdout}`);
    for (const command of ['serve', 'get', 'chat-llm', 'config']) expectExit(await run([command, '--help'], { ms: 5000 }), CODE.ok);
  });

  test('wrong arguments', async () => {
    for (const args of [['srve'], ['--nonsense'], ['get'], ['get', 'trains'], ['get', 'tasks', '--nonsense'], ['chat-llm'], ['chat-llm', 'echo'], ['chat-llm', 'echo', '-m'],
      ['config'], ['config', 'chekc'], ['serve', '--port', 'high'], ['serve', '--port', '70000'], ['serve', '--nonsense'], ['serve', 'extra']]) {
      const r = await run(args, { ms: 5000, cwd: tempDir() });
      expectExit(r, CODE.usage);
      assert.equal(r.stdout, '', `nothing on stdout: ${told(r)}`);
    }
  });

  test('nobody answers', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    for (const args of [['get', 'profiles'], ['get', 'tasks'], ['get', 'llms', '--json'], ['chat-llm', 'echo', '-m', 'hi']]) {
      const r = expectExit(await run(args, { env: { SIGNALBOX_URL: url } }), CODE.unreachable);
      assert.ok(r.stderr.includes(url), `it says which address: ${r.stderr}`);
    }
  });
});

describe('config check', { timeout: 60_000 }, () => {
  const dir = tempDir();
  const check = (text) => {
    const file = path.join(dir, 'my.yaml');
    fs.writeFileSync(file, text);
    return run(['config', 'check', file], { cwd: dir, ms: 10_000 }).then((r) => ({ ...r, file }));
  };

  test('a good file', async () => {
    const whole = `http: {bind: 127.0.0.1, port: 8642, max_body_bytes: 10485760, allowed_hosts: []}
store: {path: ./signalbox-data, map_size_gb: 16, commit: sync}
upstreams:
  - {name: lmstudio, type: lmstudio, url: "http://127.0.0.1:1234", discover: true, capacity: 4}
  - {name: qwen, type: openai, url: "http://127.0.0.1:8080", models: [qwen3-8b], pool: chat, api_key_env: QWEN_KEY}
echo: {enabled: true, tokens: 3}
inference:
  profiles:
    "lmstudio:text-embedding-nomic-embed-text-v1.5": {max_concurrent: 1, max_queued: 16, default_queue_wait_s: 15, default_inference_s: 60}
agents:
  - {name: reviewer, pool: chat, system_prompt: "You review code.", defaults: {temperature: 0.2}, priority: workflow}
auth: {mode: keys, keys: [{id: laptop, owner: alice, sha256: "${'a1'.repeat(32)}", grants: [tasks:create, tasks:view], max_priority: interactive}]}
gc: {interval_s: 300, pending_timeout_s: 3600, terminal_retention_s: 604800, call_retention_s: 604800}
workers: {heartbeat_interval_s: 30, heartbeat_timeout_s: 90, inactive_retention_s: 14400, wake_timeout_s: 60, allow_hosts: [loopback]}
tasks: {max_attempts: 3, await_timeout_s: 600, max_backlog: 1000000}
`;
    for (const text of [whole, '', '# nothing\n', '{}\n', 'http:\n  port: 0\n', 'upstreams: []\n']) expectExit(await check(text), CODE.ok);
  });

  test('every kind of mistake, with file, line and column', async () => {
    const cases = [
      ['http: {prot: 1}\n', 1, 8, /prot/], ['http:\n  port: 70000\n', 2, 9, /port/], ['http:\n  port: many\n', 2, 9, /port/], ['nonsense: 1\n', 1, 1, /nonsense/],
      ['http: [1]\n', 1, 7, /http/], ['store: {commit: maybe}\n', 1, 17, /commit/], ['upstreams:\n  - {name: a, url: "ftp://x", models: [m]}\n', 2, 20, /url/],
      ['upstreams:\n  - {url: "http://x", models: [m]}\n', 2, undefined, /name/], ['upstreams:\n  - {name: a, url: "http://127.0.0.1:1"}\n', 2, undefined, /models|discover/],
      ['upstreams:\n  - {name: a, url: "http://127.0.0.1:1", models: [m]}\n  - {name: a, url: "http://127.0.0.1:2", models: [n]}\n', 3, undefined, /a/],
      ['upstreams:\n  - {name: "with space", url: "http://127.0.0.1:1", models: [m]}\n', 2, 12, /name/],
      ['inference:\n  profiles:\n    x: {max_concurrent: -1}\n', 3, 25, /max_concurrent/], ['inference:\n  profiles:\n    x: {default_queue_wait_s: 0}\n', 3, 31, /default_queue_wait_s/],
      ['inference:\n  profiles:\n    x: {slots: 1}\n', 3, 9, /slots/], ['auth: {mode: maybe}\n', 1, 14, /mode/], ['auth:\n  mode: keys\n', undefined, undefined, /key/],
      ['auth:\n  mode: keys\n  keys:\n    - {id: a, owner: b, sha256: "short"}\n', 4, 33, /sha256/], ['tasks: {max_attempts: 0}\n', 1, 23, /max_attempts/],
      ['http: {bind: 0.0.0.0}\n', undefined, undefined, /auth|key|bind/], ['http: {port: 1\n', undefined, undefined, /./], ['a: b: c\n', 1, undefined, /./], ['\tx: 1\n', 1, undefined, /./],
      ['http: {port: 1}\nhttp: {port: 2}\n', 2, undefined, /http/], ['- 1\n', 1, 1, /./],
    ];
    for (const [text, line, column, word] of cases) {
      const r = await check(text);
      const where = `${JSON.stringify(text)}: ${told(r)}`;
      assert.equal(r.code, CODE.usage, where);
      const at = new RegExp(`my\\.yaml:(\\d+):(\\d+): (.*)`).exec(r.stderr + r.stdout);
      assert.ok(at, `file:line:column in ${where}`);
      if (line !== undefined) assert.equal(+at[1], line, `line; ${where}`);
      if (column !== undefined) assert.equal(+at[2], column, `column; ${where}`);
      assert.match(at[3], word, where);
    }
  });

  test('all mistakes at once', async () => {
    const r = await check('http:\n  port: 70000\n  prot: 1\ntasks: {max_attempts: 0}\n');
    assert.equal(r.code, CODE.usage, told(r));
    assert.deepEqual([...(r.stderr + r.stdout).matchAll(/my\.yaml:(\d+):\d+:/g)].map((m) => +m[1]).sort(), [2, 3, 4], told(r));
  });

  test('what does nothing is told, and is no mistake', async () => {
    const r = await check('inference:\n  profiles:\n    p: {max_concurrent: 2, policy: fair, reserve_interactive: 1}\n');
    assert.equal(r.code, CODE.ok, told(r));
    assert.match(r.stderr, /^warning: .*my\.yaml:3:\d+: inference\.profiles\.p\.reserve_interactive: has no effect with policy fair, only with strict\n$/);
  });

  test('a file that is not there, a folder, and bytes that are no text', async () => {
    expectExit(await run(['config', 'check', path.join(dir, 'nowhere.yaml')]), CODE.usage);
    expectExit(await run(['config', 'check', dir]), CODE.usage);
    const binaryFile = path.join(dir, 'binary.yaml');
    fs.writeFileSync(binaryFile, crypto.randomBytes(5000));
    expectExit(await run(['config', 'check', binaryFile]), CODE.usage);
  });

  test('serve with a bad file does not start, with the same words', async () => {
    const file = path.join(dir, 'bad.yaml');
    fs.writeFileSync(file, `store: {path: ${path.join(dir, 'unmade')}}\nhttp: {prot: 1}\n`);
    const r = expectExit(await run(['serve', '--config', file], { cwd: dir }), CODE.usage);
    assert.match(r.stderr, /bad\.yaml:2:8: .*prot/);
    assert.equal(fs.existsSync(path.join(dir, 'unmade')), false, 'no store was made');
  });
});

describe('with a daemon', { timeout: 120_000 }, () => {
  let up, daemon, env;
  const cli = (...args) => run(args, { env, ms: 20_000 });
  before(async () => {
    up = await startUpstream({ models: ['m-id'] });
    daemon = await startDaemon({
      config: {
        upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m-id'], capacity: 4, pool: 'team', tier: 'small' }], echo: { token_delay_ms: 1 },
        inference: { profiles: { 'openai_compat:team': { max_concurrent: 1, max_queued: 1, default_queue_wait_s: 0.5 } } },
      },
    });
    env = { SIGNALBOX_URL: daemon.base };
    expectOk(await daemon.chat({ model: 'm' }));
    expectOk(await daemon.chat({ model: 'm', stream: true }));
    expectOk(await daemon.chat({ model: 'echo' }));
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });
  afterEach(async () => {
    await up.reset();
    await daemon.idle();
  });

  test('get profiles', async () => {
    const r = expectExit(await cli('get', 'profiles'), CODE.ok);
    const { columns, rows } = table(r.stdout);
    assert.ok(columns.every((c) => c === c.toUpperCase()) && columns[0] === 'NAME', `headers in capitals: ${columns}`);
    assert.ok(rows.some((x) => x.NAME === 'openai_compat:team'), r.stdout);
    const json = listOf(expectExit(await cli('get', 'profiles', '--json'), CODE.ok).stdout, 'profiles');
    const team = json.find((p) => p.name === 'openai_compat:team');
    assert.deepEqual([team.max_concurrent, team.max_queued, team.in_flight, team.admitted_total], [1, 1, 0, 2]);
    for (const form of ['profile']) assert.equal(expectExit(await cli('get', form, '--json'), CODE.ok).stdout, expectExit(await cli('get', 'profiles', '--json'), CODE.ok).stdout, form);
  });

  test('get tasks', async () => {
    const r = expectExit(await cli('get', 'tasks'), CODE.ok);
    const { columns, rows } = table(r.stdout);
    assert.deepEqual(columns, ['ID', 'STATUS', 'POOL', 'LLM', 'MODEL', 'STREAM', 'AGE', 'WORKER']);
    assert.equal(rows.length, 3, r.stdout);
    const row = rows.find((x) => x.POOL === 'team');
    assert.ok(row && row.STATUS === 'completed' && row.MODEL === 'm-id', r.stdout);
    const json = listOf(expectExit(await cli('get', 'tasks', '--json'), CODE.ok).stdout, 'tasks');
    assert.deepEqual(json.map((t) => t.id), (await daemon.tasks()).map((t) => t.id), 'the API\'s rows in the API\'s order');
    assert.deepEqual(rows.map((x) => x.ID), json.map((t) => t.id), 'whole ids: they can be pasted');
    for (const form of ['task', 'inference-tasks', 'inference-task']) assert.deepEqual(listOf(expectExit(await cli('get', form, '--json'), CODE.ok).stdout, 'tasks').map((t) => t.id), json.map((t) => t.id), form);
  });

  test('get llms', async () => {
    const { rows } = table(expectExit(await cli('get', 'llms'), CODE.ok).stdout);
    assert.deepEqual(rows.map((x) => x.NAME).sort(), ['echo', 'm']);
    const json = listOf(expectExit(await cli('get', 'llms', '--json'), CODE.ok).stdout, 'llms');
    const m = json.find((l) => l.name === 'm');
    assert.deepEqual([m.type, m.pool, m.status, m.capacity], ['openai', 'team', 'active', 4]);
    expectExit(await cli('get', 'llm'), CODE.ok);
  });

  test('a table has its header even when it is empty', async () => {
    const empty = await startDaemon({ config: { echo: { enabled: false } } });
    try {
      const r = expectExit(await run(['get', 'tasks'], { env: { SIGNALBOX_URL: empty.base } }), CODE.ok);
      assert.match(r.stdout, /^ID +STATUS +POOL/);
      assert.deepEqual(listOf((await run(['get', 'tasks', '--json'], { env: { SIGNALBOX_URL: empty.base } })).stdout, 'tasks'), []);
    } finally {
      await empty.stop();
    }
  });

  test('chat-llm prints the answer', async () => {
    const r = expectExit(await cli('chat-llm', 'm', '-m', 'hello there'), CODE.ok);
    assert.equal(r.stdout.trim(), sentence(4).trim());
    assert.deepEqual(up.requests[0].body.messages, [{ role: 'user', content: 'hello there' }]);
    const echo = expectExit(await cli('chat-llm', 'echo', '-m', 'one two three'), CODE.ok);
    assert.match(echo.stdout, /one two three/);
  });

  test('chat-llm: nobody of that name', async () => {
    const r = await cli('chat-llm', 'nobody', '-m', 'x');
    expectExit(r, CODE.failure);
    assert.match(r.stderr, /nobody/);
  });

  test('chat-llm: the task fails', async () => {
    up.always = { status: 400, body: { error: { message: 'the prompt is too long', type: 'x', code: 400 } } };
    const r = expectExit(await cli('chat-llm', 'm', '-m', 'x'), CODE.taskFailed);
    assert.match(r.stderr, /the prompt is too long/);
    assert.equal(r.stdout, '');
  });

  test('chat-llm: no slot in time, and no place in the queue', async () => {
    up.always = { hold: true };
    const holder = daemon.openChat({ model: 'm' });
    await up.arrived(1);
    expectExit(await cli('chat-llm', 'm', '-m', 'x'), CODE.timedOut);
    const waiter = daemon.openChat({ model: 'm' }, { 'X-Signalbox-Queue-Wait-S': '60' });
    await daemon.profileWhen('openai_compat:team', 'one waits', (p) => p.waiting.workflow + p.waiting.interactive === 1);
    await daemon.put('/api/v1/profiles/openai_compat:team', { max_queued: 0 });
    const r = expectExit(await cli('chat-llm', 'm', '-m', 'x'), CODE.rejected);
    assert.match(r.stderr, /full|queue/i);
    await daemon.put('/api/v1/profiles/openai_compat:team', { max_queued: 1 });
    up.always = {};
    up.release();
    for (const c of [holder, waiter]) expectOk(await within('served', c.done));
  });

  test('chat-llm: Ctrl-C leaves at once and frees the slot', async () => {
    up.always = { tokens: 2000, tokenDelayMs: 10 };
    const child = guard(spawn(binary(), ['chat-llm', 'm', '-m', 'x'], { env: { ...cleanEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
    let out = '';
    child.stdout.on('data', (b) => { out += b; });
    const ended = new Promise((r) => child.once('close', (code, signal) => r({ code, signal })));
    await until('it has words', () => out.includes('alpha') || up.requests[0]?.tokensSent > 20);
    child.kill('SIGINT');
    const e = await within('it ends', ended);
    assert.ok(e.code === CODE.interrupted || e.signal === 'SIGINT', JSON.stringify(e));
    await until('the backend was told', () => up.requests[0].state === 'aborted');
  });

  test('keys: without, wrong, right', async () => {
    const secret = 'sk-cli-0123456789';
    const kept = await startDaemon({ config: { auth: { mode: 'keys', keys: [{ id: 'k', owner: 'o', sha256: crypto.createHash('sha256').update(secret).digest('hex') }] } } });
    try {
      const at = (key) => ({ SIGNALBOX_URL: kept.base, ...(key ? { SIGNALBOX_API_KEY: key } : {}) });
      expectExit(await run(['get', 'profiles'], { env: at() }), CODE.key);
      const wrong = expectExit(await run(['chat-llm', 'echo', '-m', 'x'], { env: at('sk-wrong') }), CODE.key);
      assert.ok(!wrong.stderr.includes('sk-wrong'), 'the key is not in the message');
      expectExit(await run(['get', 'profiles'], { env: at(secret) }), CODE.ok);
      assert.match(expectExit(await run(['chat-llm', 'echo', '-m', 'with a key'], { env: at(secret) }), CODE.ok).stdout, /with a key/);
    } finally {
      await kept.stop();
    }
  });

  test('names from outside cannot paint the terminal', async () => {
    expectOk(await daemon.chat({ model: 'echo' }, { 'X-Signalbox-Description': 'x' }));
    up.always = { status: 400, body: { error: { message: 'evil \u001b[31mred\u001b[0m \u0007bell', type: 'x', code: 400 } } };
    const r = await cli('chat-llm', 'm', '-m', 'x');
    assert.equal(r.code, CODE.taskFailed, told(r));
    assert.match(r.stderr, /evil/);
    assert.ok(!/[\x00-\x08\x0b-\x1f]/.test(r.stderr), `control characters on stderr: ${JSON.stringify(r.stderr)}`);
  });
});
