// The durable queue by command line: queue a question, follow it, look at it, cancel it; workers and agents.
// Against the daemon where it is about the daemon's answers; against a stand-in where answers must be had that no healthy daemon gives.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { binary, cleanEnv, run, startDaemon } from './support/daemon.mjs';
import { CODE, chunk, done, errorBody, expectExit, startMock, told } from './support/cli.mjs';
import { startUpstream } from './support/upstream.mjs';

describe('with a daemon', { timeout: 120_000 }, () => {
  let up, daemon, env;
  const cli = (args, options = {}) => run(args, { env, ...options });
  before(async () => {
    up = await startUpstream({ models: ['m-id'] });
    daemon = await startDaemon({ config: { upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m-id'], capacity: 1, pool: 'team' }], echo: { token_delay_ms: 1 } } });
    env = { SIGNALBOX_URL: daemon.base };
  });
  after(async () => {
    await daemon?.stop();
    await up?.stop();
  });
  const queue = async (...args) => expectExit(await cli(['chat-llm', ...args, '--async']), CODE.ok).stdout.trimEnd();

  test('chat-llm --async: just the id, and the task runs', async () => {
    const r = expectExit(await cli(['chat-llm', 'm', '-m', 'hello', '--system', 'be brief', '--max-tokens', '7', '--priority', 'background', '--async']), CODE.ok);
    assert.match(r.stdout, /^[0-9a-f-]{36}\n$/);
    assert.match(r.stderr, /signalbox get task [0-9a-f-]{36} --watch/);
    const row = await daemon.taskWhen(r.stdout.trim(), 'completed', (t) => t.status === 'completed');
    assert.deepEqual([row.priority, row.llm, row.streaming, row.request_body.max_tokens], ['background', 'm', false, 7]);
    assert.deepEqual(row.request_body.messages, [{ role: 'system', content: 'be brief' }, { role: 'user', content: 'hello' }]);
  });

  test('a pool or a model has no LLM\'s name, and is found all the same', async () => {
    for (const name of ['team', 'm-id']) {
      const row = await daemon.taskWhen(await queue(name, '-m', 'x'), 'completed', (t) => t.status === 'completed');
      assert.equal(row.pool, 'team', name);
    }
    const r = expectExit(await cli(['chat-llm', 'nobody', '-m', 'x', '--async']), CODE.failure);
    assert.equal(r.stdout, '');
    assert.match(r.stderr, /nobody/);
  });

  test('in a pipe', () => {
    const r = spawnSync('sh', ['-c', 'echo hi | "$0" chat-llm echo -m - --async 2>/dev/null | xargs "$0" get task -o name', binary()], { encoding: 'utf8', env: { ...cleanEnv(), ...env } });
    assert.equal(r.status, 0, r.stderr);
    assert.match(r.stdout, /^[0-9a-f-]{36}\n$/);
  });

  test('describe task', async () => {
    const id = await queue('m', '-m', 'what is it?');
    await daemon.taskWhen(id, 'completed', (t) => t.status === 'completed');
    const { stdout } = expectExit(await cli(['describe', 'task', id]), CODE.ok);
    assert.match(stdout, new RegExp(`^ID: +${id}\nStatus: +completed\n`));
    assert.match(stdout, /\nTime line:\n {2}\S+Z +created\n(.*\n)* {2}\S+Z {2}\+\S+ .*claimed by m/);
    assert.match(stdout, /\nRequest:\n {2}\{\n(.*\n)*.*what is it\?/);
    assert.match(stdout, /\nResponse:\n {2}\{\n/);
    const long = await queue('echo', '-m', 'word '.repeat(2000));
    const short = expectExit(await cli(['describe', 'task', long]), CODE.ok).stdout;
    const full = expectExit(await cli(['describe', 'task', long, '--full']), CODE.ok).stdout;
    assert.ok(short.includes('--full shows all') && !full.includes('--full shows all') && full.includes('word '.repeat(2000)), short);
  });

  test('describe llm and profile, and what is not there', async () => {
    assert.match(expectExit(await cli(['describe', 'llm', 'm']), CODE.ok).stdout, /^Name: +m\n/);
    assert.match(expectExit(await cli(['describe', 'profile', 'openai_compat:team']), CODE.ok).stdout, /^Name: +openai_compat:team\n/);
    for (const what of [['llm', 'nobody'], ['profile', 'nobody'], ['task', 'nobody']]) {
      assert.equal(expectExit(await cli(['describe', ...what]), CODE.failure).stdout, '');
    }
  });

  test('cancel: waiting, running, over and unknown', async () => {
    up.always = { hold: true };
    const running = await queue('m', '-m', 'x');
    await daemon.taskWhen(running, 'claimed', (t) => t.status === 'claimed');
    const waiting = await queue('m', '-m', 'x');
    const r = expectExit(await cli(['cancel', 'task', waiting, running]), CODE.ok);
    assert.equal(r.stdout, `${waiting}  cancelled\n${running}  cancelled\n`);
    assert.equal(expectExit(await cli(['cancel', 'task', running]), CODE.ok).stdout, `${running}  cancelled\n`, 'once more changes nothing');
    const mixed = expectExit(await cli(['cancel', 'task', 'nobody', running]), CODE.failure);
    assert.equal(mixed.stdout, `${running}  cancelled\n`, 'the others are cancelled all the same');
    assert.match(mixed.stderr, /nobody/);
    up.always = {};
    up.release();
    await daemon.idle();
  });

  test('the agent column', async () => {
    const wide = expectExit(await cli(['get', 'tasks', '-o', 'wide']), CODE.ok).stdout;
    assert.match(wide, /WORKER +PRIORITY +PROFILE +OWNER +AGENT +ATTEMPTS\n/);
  });
});

describe('with a stand-in', { timeout: 60_000 }, () => {
  const worker = {
    session: 's-1', llms: [{ name: 'a' }, { name: 'b\u001b[31m' }], bound: true, address: '10.0.0.7', connected_at: '2026-11-20T00:00:00.000Z',
    last_heartbeat_at: new Date(Date.now() - 7000).toISOString(), capacity: 4, in_flight: 1, done: 12, failed: 0, state: 'bound',
  };
  const agent = { name: 'reviewer', llm: null, pool: 'team', description: 'reads\tcode', system_prompt: 'You review.', defaults: { temperature: 0.2 }, priority: 'workflow' };
  const withMock = async (answer, body) => {
    const mock = await startMock(answer);
    try {
      await body(mock);
    } finally {
      await mock.stop();
    }
  };

  test('get and describe workers', () => withMock((r) => ({
    '/api/v1/workers': { body: { workers: [worker] } }, '/api/v1/workers/s-1': { body: worker },
  })[r.path], async ({ cli }) => {
    for (const form of ['workers', 'worker']) {
      const { stdout } = expectExit(await cli(['get', form, '-o', 'wide']), CODE.ok);
      assert.match(stdout, /^SESSION +STATE +LLMS +BOUND +CAPACITY +IN-FLIGHT +DONE +FAILED +HEARTBEAT +ADDRESS\ns-1 +bound +a,b\?\[31m +yes +4 +1 +12 +0 +\d+s +10\.0\.0\.7\n$/);
    }
    assert.equal(expectExit(await cli(['get', 'worker', 's-1', '-o', 'name']), CODE.ok).stdout, 's-1\n');
    assert.match(expectExit(await cli(['describe', 'worker', 's-1']), CODE.ok).stdout, /^Session: +s-1\n/);
  }));

  test('get and describe agents', () => withMock((r) => ({
    '/api/v1/agents': { body: { agents: [agent] } }, '/api/v1/agents/reviewer': { body: agent },
  })[r.path], async ({ cli }) => {
    assert.equal(expectExit(await cli(['get', 'agents']), CODE.ok).stdout, 'NAME      TARGET  PRIORITY  DESCRIPTION\nreviewer  team    workflow  reads?code\n');
    assert.match(expectExit(await cli(['describe', 'agent', 'reviewer']), CODE.ok).stdout, /\nSystem prompt: +You review\.\n/);
  }));

  test('chat with an agent', () => withMock((r) => (r.path === '/api/v1/agents/team%2Freviewer/chat' || r.path === '/api/v1/agents/team/reviewer/chat'
    ? { events: [chunk('fi'), chunk('ne'), done] } : errorBody('agent_not_found', 'there is no such agent', 404)), async ({ cli, requests }) => {
    assert.equal(expectExit(await cli(['chat', 'team/reviewer', '-m', 'look', '--priority', 'interactive']), CODE.ok).stdout, 'fine\n');
    assert.deepEqual(requests[0].body, { messages: [{ role: 'user', content: 'look' }], stream: true });
    assert.equal(requests[0].headers['x-signalbox-priority'], 'interactive');
    assert.match(expectExit(await cli(['chat', 'nobody', '-m', 'x']), CODE.failure).stderr, /no such agent/);
  }));

  test('--async: first as an LLM, then as a model; an agent as an agent', () => withMock((r) => {
    if (r.body.llm) return errorBody('llm_not_found', 'there is no such LLM', 404);
    return { status: 201, body: { id: `id-of-${r.body.model ?? r.body.agent}`, status: 'pending' } };
  }, async ({ cli, requests }) => {
    assert.equal(expectExit(await cli(['chat-llm', 'q', '-m', 'x', '--async']), CODE.ok).stdout, 'id-of-q\n');
    assert.deepEqual(requests.map((r) => [r.method, r.path, r.body]), [
      ['POST', '/api/v1/inference-tasks', { llm: 'q', request: { messages: [{ role: 'user', content: 'x' }] } }],
      ['POST', '/api/v1/inference-tasks', { model: 'q', request: { messages: [{ role: 'user', content: 'x' }] } }],
    ]);
    assert.equal(expectExit(await cli(['chat', 'rev', '-m', 'x', '--async']), CODE.ok).stdout, 'id-of-rev\n');
  }));

  test('--async: refused, and answers that are none', async () => {
    await withMock(() => errorBody('queue_full', 'the backlog is full', 429), async ({ cli, requests }) => {
      expectExit(await cli(['chat-llm', 'q', '-m', 'x', '--async']), CODE.rejected);
      assert.equal(requests.length, 1, 'only a name that is not found is tried as another');
    });
    for (const body of ['nonsense', '{}', '{"id":7}', '{"id":""}', '[]']) {
      await withMock(() => ({ body }), async ({ cli }) => {
        assert.equal(expectExit(await cli(['chat-llm', 'q', '-m', 'x', '--async']), CODE.failure).stdout, '', body);
      });
    }
    expectExit(await run(['chat-llm', 'q', '--async']), CODE.usage);
  });

  test('cancel: not over yet, and odd answers', async () => {
    await withMock(() => ({ body: { id: 't', status: 'running' } }), async ({ cli }) => {
      const r = expectExit(await cli(['cancel', 'task', 't']), CODE.failure);
      assert.equal(r.stdout, 't  running\n');
      assert.match(r.stderr, /signalbox get task t --watch/);
    });
    for (const body of ['', '{}', '{"status":7}', 'x']) {
      await withMock(() => ({ body }), async ({ cli }) => expectExit(await cli(['cancel', 'task', 't']), CODE.failure));
    }
    await withMock(() => errorBody('forbidden', 'not yours', 403), async ({ cli }) => expectExit(await cli(['cancel', 'task', 't', 'u']), CODE.key));
  });

  test('describe: the attempts of a task, and one that failed', () => withMock(() => ({
    body: {
      id: 't', status: 'error', claimed_by: 'w2', attempts: 2, created_at: '2026-11-21T03:57:00.000Z', claimed_at: '2026-11-21T03:57:30.000Z', stream_started_at: null,
      completed_at: '2026-11-21T03:59:00.000Z', error: { code: 'worker_lost', message: 'gone \u001b[31m' }, metadata: { ticket: 'A\u0007' },
      attempt_log: [{ attempt: 1, backend: 'q', claimed_by: 'w1', claimed_at: '2026-11-21T03:57:00.250Z', ended_at: '2026-11-21T03:57:20.250Z', outcome: 'worker_lost' },
        { attempt: 2, backend: 'q', claimed_by: 'w2', claimed_at: '2026-11-21T03:57:30.000Z', ended_at: null, outcome: null }],
    },
  }), async ({ cli }) => {
    const { stdout } = expectExit(await cli(['describe', 'task', 't']), CODE.ok);
    for (const words of ['attempt 1 claimed by w1 (q)', '+20.0s   attempt 1 ended: worker_lost', 'attempt 2 claimed by w2 (q)', 'in all 2m 00s', 'gone ?[31m (worker_lost)']) {
      assert.ok(stdout.includes(words), `${words} in ${stdout}`);
    }
  }));

  test('a stream that is never a stream', () => withMock(() => ({ body: { choices: [{ message: { content: 'whole' } }] } }), async ({ cli }) => {
    assert.equal(expectExit(await cli(['chat', 'a', '-m', 'x']), CODE.ok).stdout, 'whole\n');
  }));

  test('a chat cut short', () => withMock(() => ({ events: [chunk('half')] }), async ({ cli }) => {
    const r = expectExit(await cli(['chat', 'a', '-m', 'x']), CODE.taskFailed);
    assert.equal(r.stdout, 'half\n', told(r));
  }));

  test('names go into the path whole', () => withMock(() => ({ body: { name: 'x', status: 'cancelled' } }), async ({ cli, requests }) => {
    expectExit(await cli(['describe', 'llm', 'a/b?c#d e']), CODE.ok);
    assert.equal(requests[0].path, '/api/v1/llms/a%2Fb%3Fc%23d%20e');
    assert.ok(!requests.some((r) => r.query), 'and nothing of them into the query');
  }));
});
