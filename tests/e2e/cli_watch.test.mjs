// --watch: lists that are painted anew at a terminal and told row by row elsewhere, and one task from its first state to its last.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { binary, cleanEnv, startDaemon } from './support/daemon.mjs';
import { CODE, atTerminal, errorBody, expectExit, sse, startMock } from './support/cli.mjs';
import { guard } from './support/temp.mjs';
import { until, within } from './support/wait.mjs';

const created = new Date(Date.now() - 60_000).toISOString();
const row = (id, status, more = {}) => ({ id, status, pool: 'p', llm: 'l', model: 'm', streaming: false, created_at: created, claimed_by: null, ...more });
const status = (id, state, n) => sse('status', { id, status: state, at: `2026-11-21T04:00:0${n}.000Z` }, String(n));

/// A command that does not end by itself: {out(), err(), kill(signal), ended}.
function follow(args, env) {
  const child = guard(spawn(binary(), args, { env: { ...cleanEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
  let out = '', err = '';
  child.stdout.on('data', (b) => { out += b; });
  child.stderr.on('data', (b) => { err += b; });
  const ended = new Promise((r) => { child.once('close', (code, signal) => r({ code, signal, stdout: out, stderr: err })); });
  return { out: () => out, err: () => err, kill: (s) => child.kill(s), ended: () => within('it ends', ended) };
}
const withMock = async (answer, body) => {
  const mock = await startMock(answer);
  try {
    await body(mock, { SIGNALBOX_URL: mock.base });
  } finally {
    await mock.stop();
  }
};

describe('a list', { timeout: 60_000 }, () => {
  test('elsewhere than at a terminal: a row again when it changed, until Ctrl-C', async () => {
    let rows = [row('a', 'pending')];
    await withMock(() => ({ body: { tasks: rows, next_cursor: null } }), async (mock, env) => {
      const watch = follow(['get', 'tasks', '-w', '--interval', '0.1'], env);
      await until('the first row', () => /^ID .*\na +pending/.test(watch.out()));
      const asked = mock.requests.length;
      await until('several looks', () => mock.requests.length > asked + 3);
      assert.equal(watch.out().split('\n').length, 3, 'nothing new, nothing printed');
      rows = [row('b', 'pending'), row('a', 'running', { claimed_by: 'w' })];
      await until('both are told', () => /\nb +pending.*\na +running.* w\n/.test(watch.out()));
      assert.equal(watch.out().match(/ID /g).length, 1, 'one header');
      watch.kill('SIGINT');
      const { code, signal } = await watch.ended();
      assert.ok(code === CODE.interrupted || signal === 'SIGINT');
    });
  });

  test('outlives a restart of the daemon', async () => {
    const daemon = await startDaemon();
    const watch = follow(['get', 'llms', '-w', '--interval', '0.1'], { SIGNALBOX_URL: daemon.base });
    try {
      await until('the echo is listed', () => /\necho +plugin/.test(watch.out()), { seen: () => watch.err() });
      await daemon.kill();
      await until('it says so', () => watch.err().includes('the daemon is away'), { seen: () => watch.err() });
      await daemon.start();
      const made = await daemon.post('/api/v1/workers', { session: null, llms: [{ name: 'late', type: 'openai', model: 'm' }] });
      assert.equal(made.status, 201, made.text);
      await until('what is new is told', () => /\nlate +worker/.test(watch.out()), { seen: () => watch.out() + watch.err() });
    } finally {
      watch.kill('SIGINT');
      await watch.ended();
      await daemon.stop();
    }
  });

  test('as JSON lines', async () => {
    let rows = [row('a', 'pending')];
    await withMock(() => ({ body: { tasks: rows, next_cursor: null } }), async (mock, env) => {
      const watch = follow(['get', 'tasks', '-w', '-o', 'jsonl', '--interval', '0.1', '--status', 'pending'], env);
      await until('the first', () => watch.out().includes('\n'));
      rows = [row('a', 'running')];
      await until('the second', () => watch.out().split('\n').length === 3);
      assert.deepEqual(watch.out().trim().split('\n').map((l) => JSON.parse(l).status), ['pending', 'running']);
      assert.ok(mock.requests.every((r) => r.query.includes('status=pending')), 'filters hold');
      watch.kill('SIGINT');
      await watch.ended();
    });
  });

  test('at a terminal: painted over, no more than it holds', async () => {
    let rows = Array.from({ length: 30 }, (_, i) => row(`t${i}`, 'pending', { model: 'evil\u001b[2J' + 'x'.repeat(200) }));
    await withMock(() => ({ body: { tasks: rows, next_cursor: null } }), async (mock, env) => {
      const term = atTerminal(['get', 'tasks', '-w', '--interval', '0.1'], { env, rows: 10, columns: 60 });
      await term.shows('the first picture', (s) => s.includes('t0 '));
      await term.shows('the second', (s) => s.includes('\x1b[9A\x1b[J'));
      const first = term.screen().split('\x1b[9A\x1b[J')[0].trimEnd().split('\r\n');
      assert.equal(first.length, 9);
      assert.ok(first.every((l) => [...l].length <= 60), first.join('\n'));
      assert.equal(first[8], '23 more');
      assert.ok(!term.screen().includes('\x1b[2J'), 'names paint nothing');
      rows = [row('t0', 'running')];
      await term.shows('the new state', (s) => s.includes('\x1b[2A\x1b[J'));
      term.type('\x03');
      assert.equal(await term.ended(), CODE.interrupted);
    });
  });

  test('a daemon that never was there is no reason to wait', async () => {
    const mock = await startMock(() => ({ body: { tasks: [], next_cursor: null } }));
    await mock.stop();
    const watch = follow(['get', 'tasks', '-w', '--interval', '0.1'], { SIGNALBOX_URL: mock.base });
    assert.equal((await watch.ended()).code, CODE.unreachable);
  });

  test('of a real daemon', async () => {
    const daemon = await startDaemon({ config: { echo: { token_delay_ms: 1 } } });
    try {
      const watch = follow(['get', 'tasks', '-w', '--interval', '0.1'], { SIGNALBOX_URL: daemon.base });
      await until('the header', () => watch.out().startsWith('ID '));
      await daemon.chat({ model: 'echo' });
      await until('the task', () => /\n\S{36} +completed/.test(watch.out()));
      watch.kill('SIGINT');
      await watch.ended();
    } finally {
      await daemon.stop();
    }
  });
});

describe('one task', { timeout: 60_000 }, () => {
  const path = '/api/v1/inference-tasks/t/stream';

  test('each state, then exit 0', () => withMock((r) => (r.path === path
    ? { events: [status('t', 'pending', 1), ': ping\n\n', status('t', 'running', 2), sse('chunk', { choices: [] }, '3'), sse('reset', {}), status('t', 'completed', 4), sse('terminal', row('t', 'completed'))], hold: true }
    : undefined), async ({ cli, requests }) => {
    const r = expectExit(await cli(['get', 'task', 't', '--watch']), CODE.ok);
    assert.equal(r.stdout, '2026-11-21T04:00:01.000Z  pending\n2026-11-21T04:00:02.000Z  running\n2026-11-21T04:00:04.000Z  completed\n');
    assert.equal(r.stderr, '');
    assert.equal(requests.length, 1);
    assert.equal(expectExit(await cli(['get', 'task', 't', '-w', '-o', 'name']), CODE.ok).stdout, 'pending\nrunning\ncompleted\n');
    const lines = expectExit(await cli(['get', 'task', 't', '-w', '-o', 'jsonl']), CODE.ok).stdout.trim().split('\n').map((l) => JSON.parse(l));
    assert.deepEqual(lines.map((l) => l.status), ['pending', 'running', 'completed', 'completed']);
    assert.equal(lines[3].pool, 'p', 'the last is the row');
  }));

  test('a failure, a cancel: exit 7', async () => {
    for (const [state, error, word] of [['error', { code: 'worker_lost', message: 'gone \u001b[31m' }, /gone \?\[31m \(worker_lost\)/], ['cancelled', null, /cancelled/]]) {
      await withMock(() => ({ events: [status('t', state, 1), sse('terminal', row('t', state, { error }))] }), async ({ cli }) => {
        const r = expectExit(await cli(['get', 'task', 't', '-w']), CODE.taskFailed);
        assert.match(r.stderr, word);
      });
    }
  });

  test('over before it is asked: the row at once', () => withMock(() => ({ events: [sse('terminal', row('t', 'completed', { completed_at: created }))] }), async ({ cli }) => {
    assert.equal(expectExit(await cli(['get', 'task', 't', '-w']), CODE.ok).stdout, `${created}  completed\n`);
  }));

  test('a lost connection: goes on where it was', async () => {
    let calls = 0;
    await withMock((r) => (r.path !== path ? { body: row('t', 'running') } : ++calls === 1 ? { events: [status('t', 'pending', 1), status('t', 'running', 2)], cut: true }
      : { events: [status('t', 'running', 2), status('t', 'completed', 3), sse('terminal', row('t', 'completed'))] }), async ({ cli, requests }) => {
      const r = expectExit(await cli(['get', 'task', 't', '-w', '--interval', '0.1']), CODE.ok);
      assert.equal(r.stdout.match(/running/g).length, 1);
      assert.deepEqual(requests.filter((q) => q.path === path).map((q) => q.headers['last-event-id']), [undefined, '2']);
    });
  });

  test('a stream that brings nothing is given up', () => withMock((r) => (r.path === path ? { events: [] } : { body: row('t', 'running') }), async ({ cli, requests }) => {
    expectExit(await cli(['get', 'task', 't', '-w', '--interval', '0.1']), CODE.failure);
    assert.equal(requests.filter((q) => q.path === path).length, 5);
  }));

  test('lost just before the end: the daemon has no more to tell, and the row says the rest', async () => {
    for (const [state, code] of [['completed', CODE.ok], ['error', CODE.taskFailed]]) {
      let calls = 0;
      await withMock((r) => {
        if (r.path !== path) return { body: row('t', calls < 2 ? 'running' : state) };
        return ++calls === 1 ? { events: [status('t', state, 1)], cut: true } : { status: 204, body: '' };
      }, async ({ cli }) => {
        const r = expectExit(await cli(['get', 'task', 't', '-w', '--interval', '0.1']), code);
        assert.equal(r.stdout, `2026-11-21T04:00:01.000Z  ${state}\n`);
      });
    }
  });

  test('no such task, no such daemon, no stream', async () => {
    await withMock(() => errorBody('task_not_found', 'there is no such task', 404), async ({ cli }) => expectExit(await cli(['get', 'task', 't', '-w']), CODE.failure));
    await withMock(() => ({ body: row('t', 'completed') }), async ({ cli }) => expectExit(await cli(['get', 'task', 't', '-w']), CODE.failure));
  });

  test('Ctrl-C leaves, and closes the stream', () => withMock(() => ({ events: [status('t', 'pending', 1)], hold: true }), async (mock, env) => {
    const watch = follow(['get', 'task', 't', '-w'], env);
    await until('the first state', () => watch.out().includes('pending'));
    watch.kill('SIGINT');
    const { code, signal } = await watch.ended();
    assert.ok(code === CODE.interrupted || signal === 'SIGINT');
    await until('the stream is closed', () => mock.requests[0].isGone);
  }));
});
