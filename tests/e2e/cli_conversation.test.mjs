// Conversations: chat-llm and chat without -m, piped in and at a terminal.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startDaemon, run } from './support/daemon.mjs';
import { CODE, atTerminal, chunk, done, errorBody, expectExit, startMock, told } from './support/cli.mjs';
import { until } from './support/wait.mjs';

const withMock = async (answer, body) => {
  const mock = await startMock(answer);
  try {
    await body(mock, { SIGNALBOX_URL: mock.base });
  } finally {
    await mock.stop();
  }
};
const lastOf = (r) => r.body.messages.at(-1).content;
const echo = (r) => ({ events: [chunk('you said '), chunk(lastOf(r)), done] });
const contents = (r) => r.body.messages.map((m) => `${m.role}: ${m.content}`);

describe('piped in', { timeout: 60_000 }, () => {
  test('each line a question, with what was said before', () => withMock(echo, async ({ cli, requests }) => {
    const r = expectExit(await cli(['chat-llm', 'q', '--system', 'be brief'], { input: 'one\n\ntwo\n/reset\nthree' }), CODE.ok);
    assert.equal(r.stdout, 'you said one\nyou said two\nyou said three\n');
    assert.equal(r.stderr, '', 'no prompts');
    assert.deepEqual(requests.map(contents), [
      ['system: be brief', 'user: one'],
      ['system: be brief', 'user: one', 'assistant: you said one', 'user: two'],
      ['system: be brief', 'user: three'],
    ]);
    assert.deepEqual([requests[0].body.model, requests[0].body.stream], ['q', true]);
  }));

  test('with an agent, whole answers', () => withMock((r) => ({ body: { choices: [{ message: { content: `re: ${lastOf(r)}` } }] } }), async ({ cli, requests }) => {
    const r = expectExit(await cli(['chat', 'rev', '--no-stream'], { input: 'one\ntwo\n' }), CODE.ok);
    assert.equal(r.stdout, 're: one\nre: two\n');
    assert.deepEqual(requests.map((q) => q.path), ['/api/v1/agents/rev/chat', '/api/v1/agents/rev/chat']);
    assert.deepEqual(requests[1].body, { messages: [{ role: 'user', content: 'one' }, { role: 'assistant', content: 're: one' }, { role: 'user', content: 'two' }], stream: false });
  }));

  test('/quit, and the rest is not asked', () => withMock(echo, async ({ cli, requests }) => {
    expectExit(await cli(['chat-llm', 'q'], { input: 'one\n/quit\ntwo\n' }), CODE.ok);
    assert.equal(requests.length, 1);
  }));

  test('the first failure ends it', () => withMock((r) => (lastOf(r) === 'two' ? errorBody('queue_full', 'the queue is full', 429) : echo(r)), async ({ cli, requests }) => {
    const r = expectExit(await cli(['chat-llm', 'q'], { input: 'one\ntwo\nthree\n' }), CODE.rejected);
    assert.equal(r.stdout, 'you said one\n', told(r));
    assert.equal(requests.length, 2);
  }));

  test('nothing at all is a slip', () => withMock(echo, async ({ cli }) => {
    assert.equal(expectExit(await cli(['chat-llm', 'q'], { input: '' }), CODE.usage).stdout, '');
  }));

  test('with a real daemon', async () => {
    const daemon = await startDaemon({ config: { echo: { token_delay_ms: 1 } } });
    try {
      const r = expectExit(await run(['chat-llm', 'echo'], { env: { SIGNALBOX_URL: daemon.base }, input: 'alpha\nbeta\n' }), CODE.ok);
      assert.match(r.stdout, /alpha.*\n.*beta.*\n/);
      assert.equal((await daemon.tasks()).length, 2);
    } finally {
      await daemon.stop();
    }
  });
});

describe('at a terminal', { timeout: 60_000 }, () => {
  test('prompts, commands, Ctrl-D', () => withMock(echo, async (mock, env) => {
    const term = atTerminal(['chat-llm', 'q'], { env });
    await term.shows('the prompt', (s) => s.includes('Ctrl-D ends') && s.includes('> '));
    term.type('one\n');
    await term.shows('the answer', (s) => s.includes('you said one'));
    term.type('/quti\n');
    await term.shows('help', (s) => s.includes('no command /quti'));
    term.type('/reset\n');
    await term.shows('it is told', (s) => s.includes('(forgotten)'));
    term.type('two\n');
    await term.shows('the second answer', (s) => s.includes('you said two'));
    assert.deepEqual(mock.requests.map(contents), [['user: one'], ['user: two']]);
    term.type('\x04');
    assert.equal(await term.ended(), CODE.ok, term.screen());
  }));

  test('Ctrl-C stops the answer, and the conversation goes on', () => withMock((r) => (lastOf(r) === 'long' ? { events: [chunk('it begins')], hold: true } : echo(r)), async (mock, env) => {
    const term = atTerminal(['chat-llm', 'q'], { env });
    await term.shows('the prompt', (s) => s.includes('> '));
    term.type('long\n');
    await term.shows('the beginning', (s) => s.includes('it begins'));
    term.type('\x03');
    await term.shows('it stopped', (s) => s.includes('(stopped)'));
    await until('the call is closed', () => mock.requests[0].isGone);
    term.type('again\n');
    await term.shows('the next answer', (s) => /you said again\r\n> $/.test(s));
    assert.deepEqual(contents(mock.requests[1]), ['user: long', 'assistant: it begins', 'user: again']);
    term.type('\x03');
    await term.shows('a word at the prompt', (s) => s.includes('(/quit or Ctrl-D ends)'));
    term.type('/quit\n');
    assert.equal(await term.ended(), CODE.ok, term.screen());
  }));

  test('Ctrl-C before the first word', async () => {
    let release;
    const held = new Promise((r) => { release = r; });
    await withMock(async (r) => {
      if (lastOf(r) === 'slow') await held;
      return echo(r);
    }, async (mock, env) => {
      const term = atTerminal(['chat', 'rev'], { env });
      await term.shows('the prompt', (s) => s.includes('> '));
      term.type('slow\n');
      await until('it was asked', () => mock.requests.length === 1);
      term.type('\x03');
      await term.shows('it stopped', (s) => s.includes('(stopped)'));
      release();
      term.type('next\n');
      await term.shows('the next answer', (s) => s.includes('you said next'));
      assert.deepEqual(contents(mock.requests[1]), ['user: next'], 'a question without an answer was not asked');
      term.type('/quit\n');
      assert.equal(await term.ended(), CODE.ok);
    });
  });

  test('a failure is told, and the conversation goes on', () => withMock((r) => (lastOf(r) === 'bad' ? errorBody('backend_error', 'no \u001b[31m', 502) : echo(r)), async (mock, env) => {
    const term = atTerminal(['chat-llm', 'q'], { env });
    await term.shows('the prompt', (s) => s.includes('> '));
    term.type('bad\n');
    await term.shows('the failure', (s) => s.includes('no ?[31m (backend_error)'));
    term.type('good\n');
    await term.shows('the answer', (s) => s.includes('you said good'));
    assert.deepEqual(contents(mock.requests[1]), ['user: good']);
    term.type('\x04');
    assert.equal(await term.ended(), CODE.ok);
  }));
});
