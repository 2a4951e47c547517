// `signalbox get calls`: what each call waited and ran, as a table and for scripts, page by page.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { binary, cleanEnv, run, startDaemon } from './support/daemon.mjs';
import { CODE, expectExit, startMock } from './support/cli.mjs';
import { expectOk, TIME } from './support/expect.mjs';
import { guard } from './support/temp.mjs';
import { until, within } from './support/wait.mjs';

describe('calls of a daemon', { timeout: 60_000 }, () => {
  let daemon, cli;
  before(async () => {
    daemon = await startDaemon();
    cli = (...args) => run(args, { env: { SIGNALBOX_URL: daemon.base } });
    for (const n of [1, 2, 3]) {
      expectOk(await daemon.chat({ model: 'echo' }, { 'X-Signalbox-Description': `call ${n}`, 'X-Signalbox-Profile': n === 3 ? 'other' : 'usual', 'X-Signalbox-Priority': 'interactive' }));
    }
    await daemon.idle();
  });
  after(() => daemon?.stop());

  test('as a table', async () => {
    const { stdout } = expectExit(await cli('get', 'calls'), CODE.ok);
    const [header, ...rows] = stdout.trimEnd().split('\n');
    assert.deepEqual(header.split(/ +/), ['ID', 'PROFILE', 'PRIORITY', 'STATUS', 'WAIT', 'RUN', 'TTFT', 'MODEL', 'BACKEND', 'OWNER', 'DESCRIPTION', 'AGE']);
    assert.equal(rows.length, 3);
    assert.match(rows[0], /^\S{36} +other +interactive +ok +[\d.]+m?s +[\d.]+m?s +(-|[\d.]+m?s) +echo +echo +local +call 3 +\d+s$/, 'newest first');
    const wide = expectExit(await cli('get', 'call', '-o', 'wide', '--no-headers'), CODE.ok);
    assert.match(wide.stdout.split('\n')[0], / chat .* 1 +\d+ +\d+ +[\d.]+m?s /);
  });

  test('with filters, as JSON, as lines and as names', async () => {
    const calls = await daemon.calls();
    const json = JSON.parse(expectExit(await cli('get', 'calls', '--json', '--profile', 'usual'), CODE.ok).stdout);
    assert.deepEqual(json.calls.map((c) => c.description), ['call 2', 'call 1']);
    assert.equal(json.next_cursor, null);
    assert.match(json.calls[0].queued_at, TIME);
    const lines = expectExit(await cli('get', 'calls', '-o', 'jsonl', '--status', 'ok', '--since', '1h'), CODE.ok).stdout.trim().split('\n');
    assert.deepEqual(lines.map((l) => JSON.parse(l).id), calls.map((c) => c.id));
    assert.equal(expectExit(await cli('get', 'calls', '-o', 'name', '--since', '2999-01-01T00:00:00Z'), CODE.ok).stdout, '');
    assert.equal(expectExit(await cli('get', 'calls', '-o', 'name', '--limit', '1'), CODE.ok).stdout, `${calls[0].id}\n`);
    assert.equal(expectExit(await cli('get', 'calls', '-o', 'name', '--status', 'error'), CODE.ok).stdout, '');
  });

  test('one of them', async () => {
    const [, call] = await daemon.calls();
    assert.equal(JSON.parse(expectExit(await cli('get', 'call', call.id, '--json'), CODE.ok).stdout).description, 'call 2');
    assert.match(expectExit(await cli('describe', 'call', call.id), CODE.ok).stdout, /Description: +call 2\n/);
    assert.match(expectExit(await cli('get', 'call', 'nobody'), CODE.failure).stderr, /no call nobody/);
  });

  test('--watch tells what is new', async () => {
    const child = guard(spawn(binary(), ['get', 'calls', '-w', '-o', 'jsonl', '--interval', '0.1', '--profile', 'later'], { env: { ...cleanEnv(), SIGNALBOX_URL: daemon.base }, stdio: ['ignore', 'pipe', 'pipe'] }));
    let out = '';
    child.stdout.on('data', (b) => { out += b; });
    const ended = new Promise((r) => { child.once('close', r); });
    expectOk(await daemon.chat({ model: 'echo' }, { 'X-Signalbox-Profile': 'later', 'X-Signalbox-Description': 'the new one' }));
    await until('it is told', () => out.includes('the new one'), { seen: () => out });
    child.kill('SIGINT');
    await within('it ends', ended);
  });
});

test('pages follow the cursor as far as --limit asks', { timeout: 30_000 }, async () => {
  const all = Array.from({ length: 2300 }, (_, n) => ({ id: `c${n}`, profile: 'p', status: 'ok' }));
  const mock = await startMock((request) => {
    const query = new URLSearchParams(request.query);
    const begin = Number(query.get('cursor') ?? 0), limit = Number(query.get('limit'));
    assert.ok(limit >= 1 && limit <= 1000, `limit ${limit} is one that the API takes`);
    const end = Math.min(begin + limit, all.length);
    return { body: { calls: all.slice(begin, end), next_cursor: end < all.length ? String(end) : null } };
  });
  try {
    const names = async (...args) => expectExit(await mock.cli(['get', 'calls', '-o', 'name', ...args]), CODE.ok).stdout.trim().split('\n');
    assert.equal((await names()).length, 50);
    assert.deepEqual((await names('--limit', '2100')).slice(-2), ['c2098', 'c2099']);
    assert.equal((await names('--limit', '100000')).length, 2300);
    mock.requests.length = 0;
    const one = JSON.parse(expectExit(await mock.cli(['get', 'call', 'c2200', '--json']), CODE.ok).stdout);
    assert.equal(one.id, 'c2200');
    assert.equal(mock.requests.length, 3);
  } finally {
    await mock.stop();
  }
});
