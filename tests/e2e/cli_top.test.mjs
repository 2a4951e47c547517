// `signalbox top`: one frame where there is no terminal, and a screen that lives at one.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { freePort, run, startDaemon } from './support/daemon.mjs';
import { CODE, atTerminal, errorBody, expectExit, startMock } from './support/cli.mjs';

const call = (id, status, more = {}) => ({ id, status, profile: 'chat', priority: 'interactive', queued_at: new Date(Date.now() - 5000).toISOString(), admitted_at: null, queue_wait_ms: null, ...more });
const stateOf = ({ calls = [], waiting = 0, profiles = 1 } = {}) => ({
  version: '9.8.7', uptime_s: 4000, calls, workers: [{ session: 'session-1', state: 'bound', llms: [{ name: 'desk' }], in_flight: 0, capacity: 2 }],
  llms: [{ name: 'desk', kind: 'worker', status: 'active', running: 0, capacity: 2 }],
  profiles: Object.fromEntries(Array.from({ length: profiles }, (_, n) => [n ? `profile-${n}` : 'chat', { name: 'chat', max_concurrent: 2, in_flight: 1, waiting: { interactive: waiting, workflow: 0, background: 0 }, policy: 'strict', estimated_wait_s: 1 }])),
});
const answering = (state) => ({ path }) => (path === '/broker/state' ? { body: state() } : undefined);
const ALTERNATE = '\x1b[?1049h', BACK = '\x1b[?1049l';
/// What stands on the screen after the last full painting.
const last = (screen) => screen.slice(screen.lastIndexOf('\x1b[H'));
async function withTop(answer, body, options = {}) {
  const mock = await startMock(answer);
  const terminal = atTerminal(['top', '--interval', '0.1'], { ...options, env: { SIGNALBOX_URL: mock.base } });
  try {
    await body(terminal, mock);
  } finally {
    terminal.type('q');
    await mock.stop();
  }
}

describe('one frame', { timeout: 30_000 }, () => {
  test('in a pipe, whole and without anything for a terminal', async () => {
    const calls = Array.from({ length: 100 }, (_, n) => call(`id-${99 - n}`, 'queued'));
    const mock = await startMock(answering(() => stateOf({ calls, waiting: 103 })));
    try {
      const r = expectExit(await mock.cli(['top']), CODE.ok);
      assert.match(r.stdout, /^signalbox 9\.8\.7 at http:\S+, up 66m\nin flight 1, waiting 103 /);
      assert.match(r.stdout, /\nid-0 +4 /, 'three older ones were not told');
      assert.match(r.stdout, /\nid-99 +103 /);
      assert.match(r.stdout, /\nsession-1 +bound +desk /);
      assert.equal(mock.requests.length, 1);
    } finally {
      await mock.stop();
    }
  });

  test('when nobody answers, or something else does', async () => {
    expectExit(await run(['top'], { env: { SIGNALBOX_URL: `http://127.0.0.1:${await freePort()}` } }), CODE.unreachable);
    for (const [answer, code] of [[errorBody('unauthorized', 'no key', 401), CODE.key], [{ body: '[]' }, CODE.failure], [{ body: 'hello' }, CODE.failure]]) {
      const mock = await startMock(() => answer);
      try {
        expectExit(await mock.cli(['top']), code);
      } finally {
        await mock.stop();
      }
    }
  });

  test('of a real daemon', async (t) => {
    const daemon = await startDaemon();
    try {
      if ((await daemon.get('/broker/state')).status === 404) return t.skip('this daemon has no /broker/state');
      await daemon.chat({ model: 'echo' });
      const r = expectExit(await run(['top', '--once'], { env: { SIGNALBOX_URL: daemon.base } }), CODE.ok);
      assert.match(r.stdout, /\necho +plugin +active /);
      assert.match(r.stdout, /^PROFILE +SLOTS /m);
    } finally {
      await daemon.stop();
    }
    return undefined;
  });
});

describe('at a terminal', { timeout: 60_000 }, () => {
  test('it is painted anew, q ends it, and the terminal is as it was', async () => {
    let calls = [];
    await withTop(answering(() => stateOf({ calls })), async (terminal) => {
      await terminal.shows('the first frame', (s) => s.includes(ALTERNATE) && /signalbox 9\.8\.7/.test(s));
      calls = [call('the-new-one', 'running', { admitted_at: new Date().toISOString(), queue_wait_ms: 5 })];
      await terminal.shows('what is new', (s) => /the-new-one +runs/.test(last(s)));
      calls = [];
      await terminal.shows('that it is over', (s) => /chat/.test(last(s)) && !/the-new-one/.test(last(s)));
      terminal.type('xyz');
      terminal.type('q');
      assert.equal(await terminal.ended(), 0);
      const screen = terminal.screen();
      assert.ok(screen.includes(BACK), 'back from the alternate screen');
      assert.ok(screen.indexOf('\x1b[?25h') > 0 && screen.indexOf('\x1b[?7h') > 0, 'cursor and line ends as before');
      assert.ok(!screen.includes('xyz'), 'keys are not echoed');
    });
  });

  test('signals end it and give the terminal back', async () => {
    await withTop(answering(() => stateOf()), async (terminal) => {
      await terminal.shows('a frame', (s) => s.includes('workers 1'));
      terminal.type('\x03');
      assert.equal(await terminal.ended(), 130);
      assert.ok(terminal.screen().trimEnd().endsWith(BACK));
    });
    await withTop(answering(() => stateOf()), async (terminal) => {
      await terminal.shows('a frame', (s) => s.includes('workers 1'));
      process.kill(terminal.pid(), 'SIGTERM');
      assert.equal(await terminal.ended(), 143);
      assert.ok(terminal.screen().trimEnd().endsWith(BACK));
    });
  });

  test('it keeps to the window, also when that changes', async () => {
    await withTop(answering(() => stateOf({ profiles: 60 })), async (terminal) => {
      const lines = (s) => last(s).replaceAll('\r', '').split('\n').map((l) => l.replace(/\x1b\[[\d?]*[A-Za-z]/g, ''));
      const tall = await terminal.shows('a frame of 20 lines', (s) => last(s).endsWith('\x1b[J') && lines(s).length === 20);
      assert.ok(lines(tall).some((l) => /^\d+ more$/.test(l)), tall);
      const tty = fs.readlinkSync(`/proc/${terminal.pid()}/fd/0`);
      assert.equal(spawnSync('stty', ['-F', tty, 'rows', '9', 'cols', '40']).status, 0);
      const small = await terminal.shows('a frame of 9 lines', (s) => last(s).endsWith('\x1b[J') && lines(s).length === 9);
      assert.ok(lines(small).every((l) => l.length <= 40), small);
    }, { rows: 20, columns: 90 });
  });

  test('a daemon that goes away is waited for', async () => {
    const port = await freePort();
    const daemons = [await startMock(answering(() => stateOf()), port)];
    const terminal = atTerminal(['top', '--interval', '0.1'], { env: { SIGNALBOX_URL: daemons[0].base } });
    try {
      await terminal.shows('a frame', (s) => s.includes('workers 1'));
      await daemons[0].stop();
      await terminal.shows('that nobody answers', (s) => /no answer for \d+s, asking again: cannot reach/.test(last(s)) && /session-1/.test(last(s)));
      daemons.push(await startMock(answering(() => ({ ...stateOf(), version: '9.9.9' })), port));
      await terminal.shows('the new one', (s) => last(s).includes('signalbox 9.9.9') && !last(s).includes('no answer'));
      terminal.type('q');
      assert.equal(await terminal.ended(), 0);
    } finally {
      for (const daemon of daemons.slice(1)) await daemon.stop();
    }
  });

  test('--once leaves the screen alone', async () => {
    const mock = await startMock(answering(() => stateOf()));
    try {
      const terminal = atTerminal(['top', '--once'], { env: { SIGNALBOX_URL: mock.base } });
      assert.equal(await terminal.ended(), 0);
      assert.ok(!terminal.screen().includes('\x1b'), terminal.screen());
    } finally {
      await mock.stop();
    }
  });
});
