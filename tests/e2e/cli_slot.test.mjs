// `signalbox slot`: a command that runs while it holds a slot; and the examples that do the same from Python and from a shell.
// The broker is a script that speaks the contract; SIGNALBOX_SLOT_BROKER=real runs what needs no script of it against the daemon.
import { afterEach, beforeEach, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { binary, cleanEnv, freePort, run, startDaemon } from './support/daemon.mjs';
import { CODE, atTerminal, told } from './support/cli.mjs';
import { slotError, startMockSlots } from './support/mock_slots.mjs';
import { guard, tempDir } from './support/temp.mjs';
import { startUpstream } from './support/upstream.mjs';
import { until, within } from './support/wait.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const isReal = process.env.SIGNALBOX_SLOT_BROKER === 'real';
const onlyMock = { skip: isReal && 'needs the script' };
const LOST = 124;

let broker;
beforeEach(async () => {
  broker = isReal ? await startDaemon() : await startMockSlots();
  if (isReal) await broker.put('/api/v1/profiles/gpu', { max_concurrent: 1 });
});
afterEach(() => broker?.stop());

const slot = (...args) => run(['slot', '--profile', 'gpu', ...args], { env: { SIGNALBOX_URL: broker.base } });
/// A command that is still running: {child, out(), err(), ended}.
function begin(program, args, env = {}) {
  const child = guard(spawn(program, args, { env: { ...cleanEnv(), SIGNALBOX_URL: broker.base, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
  let out = '', err = '';
  child.stdout.on('data', (b) => { out += b; });
  child.stderr.on('data', (b) => { err += b; });
  const ended = new Promise((r) => { child.once('close', (code, signal) => r({ code, signal, stdout: out, stderr: err })); });
  return { child, out: () => out, err: () => err, shows: (word) => until(`it prints ${word}`, () => out.includes(word), { within: 15_000, seen: () => out + err }), ended: () => within('it ends', ended, 15_000) };
}
const beginSlot = (...args) => begin(binary(), ['slot', '--profile', 'gpu', ...args]);
/// How the call of that description ended, from the daemon's rows or the script.
async function ending(description) {
  if (isReal) return (await broker.callsWhen(description, 'it ended'))[0];
  const take = broker.of('take').find((c) => c.body.description === description);
  return until('the slot ended', () => broker.ended.get(take.id));
}

describe('a command with a slot', { timeout: 60_000 }, () => {
  test('its exit code and output are passed on, and the outcome is told', async () => {
    const ok = await slot('--description', 'good', '--priority', 'background', '--', 'sh', '-c', 'echo "$SIGNALBOX_SLOT at $SIGNALBOX_URL"; cat');
    assert.equal(ok.code, 0, told(ok));
    assert.match(ok.stdout, new RegExp(`^\\S+ at ${broker.base}\\n$`));
    assert.equal(ok.stderr, '');
    assert.equal((await ending('good')).status, 'ok');
    const bad = await slot('--description', 'bad', '--', 'sh', '-c', 'exit 3');
    assert.equal(bad.code, 3, told(bad));
    const row = await ending('bad');
    assert.deepEqual([row.status, row.error_kind, row.error_detail], ['error', 'command_failed', 'exit code 3']);
    const killed = await slot('--description', 'killed', '--', 'sh', '-c', 'kill -9 $$');
    assert.equal(killed.code, 137, told(killed));
    assert.equal((await ending('killed')).error_detail, 'signal 9');
  });

  test('the budgets and the class are asked for', onlyMock, async () => {
    const r = await slot('--priority', 'interactive', '--queue-wait', '5', '--inference', '60.5', '--lease', '12', '--description', 'd', '--', 'true');
    assert.equal(r.code, 0, told(r));
    assert.deepEqual(broker.of('take')[0].body, { profile: 'gpu', priority: 'interactive', queue_wait_s: 5, inference_s: 60.5, lease_s: 12, description: 'd' });
    await slot('--', 'true');
    assert.deepEqual(broker.of('take')[1].body, { profile: 'gpu' });
  });

  test('the lease is renewed as long as the command runs', async () => {
    const r = await slot('--lease', '1', '--description', 'long', '--', 'sleep', '3');
    assert.equal(r.code, 0, told(r));
    assert.equal((await ending('long')).status, 'ok');
    if (!isReal) assert.ok(broker.of('renew').length >= 3, 'more than once in each lease');
  });

  test('one waits for the other', async () => {
    const dir = tempDir();
    const first = beginSlot('--', 'sh', '-c', `echo begun; until [ -e ${dir}/go ]; do sleep 0.05; done; echo first >> ${dir}/order`);
    await first.shows('begun');
    const second = beginSlot('--', 'sh', '-c', `echo second >> ${dir}/order`);
    if (isReal) await broker.profileWhen('gpu', 'one waits', (p) => p.waiting.workflow === 1);
    else await broker.saw('take', 2);
    fs.writeFileSync(`${dir}/go`, '');
    assert.equal((await first.ended()).code, 0);
    assert.equal((await second.ended()).code, 0);
    assert.equal(fs.readFileSync(`${dir}/order`, 'utf8'), 'first\nsecond\n');
  });

  test('signals are passed on to it', async () => {
    for (const [signal, code] of [['SIGTERM', 143], ['SIGINT', 130], ['SIGHUP', 129]]) {
      const plain = beginSlot('--', 'sh', '-c', 'echo begun; exec sleep 60');
      await plain.shows('begun');
      plain.child.kill(signal);
      assert.equal((await plain.ended()).code, code, signal);
    }
    const polite = beginSlot('--description', 'polite', '--', 'sh', '-c', 'trap "echo bye; exit 7" TERM; echo begun; while :; do sleep 0.05; done');
    await polite.shows('begun');
    polite.child.kill('SIGTERM');
    const { code, stdout } = await polite.ended();
    assert.equal(code, 7);
    assert.match(stdout, /bye\n$/);
    assert.equal((await ending('polite')).error_kind, 'command_failed');
  });

  test('what it started itself gets them too when there is no terminal', async () => {
    const parent = beginSlot('--', 'sh', '-c', 'sleep 61.5 & echo "pid $!"; wait');
    await parent.shows('pid ');
    const pid = Number(/pid (\d+)/.exec(parent.out())[1]);
    parent.child.kill('SIGTERM');
    assert.equal((await parent.ended()).code, 143);
    await until('the grandchild is gone', () => { try { return !fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/State:\s+[SR]/); } catch { return true; } });
  });

  test('Ctrl-C at a terminal comes once', { timeout: 30_000 }, async () => {
    const terminal = atTerminal(['slot', '--profile', 'gpu', '--', 'sh', '-c', "n=0; trap 'n=$((n+1)); echo got $n' INT; echo begun; i=0; while [ $i -lt 30 ]; do sleep 0.1; i=$((i+1)); done; exit $((40+n))"], { env: { SIGNALBOX_URL: broker.base } });
    await terminal.shows('it began', (s) => s.includes('begun'));
    terminal.type('\x03');
    await terminal.shows('it got it', (s) => s.includes('got 1'));
    assert.equal(await within('it ends', terminal.ended(), 15_000), 41, terminal.screen());
  });
});

describe('no slot, no command', { timeout: 60_000 }, () => {
  test('refused', onlyMock, async () => {
    const dir = tempDir();
    for (const [status, code, exit] of [[429, 'queue_full', CODE.rejected], [503, 'queue_wait_timeout', CODE.timedOut], [401, 'unauthorized', CODE.key], [503, 'draining', CODE.rejected], [400, 'invalid_request', CODE.failure]]) {
      broker.script.take = [{ status, body: slotError(code, 'the reason') }];
      const r = await slot('--', 'touch', `${dir}/ran`);
      assert.equal(r.code, exit, told(r));
      assert.match(r.stderr, /the reason/);
    }
    broker.script.take = [{ status: 201, body: { id: 7 } }];
    assert.equal((await slot('--', 'touch', `${dir}/ran`)).code, CODE.failure);
    assert.ok(!fs.existsSync(`${dir}/ran`));
  });

  test('the daemon is not there', async () => {
    const r = await run(['slot', '--profile', 'gpu', '--url', `http://127.0.0.1:${await freePort()}`, '--', 'true']);
    assert.equal(r.code, CODE.unreachable, told(r));
  });

  test('a command that is not there waits for nothing', async () => {
    const missing = await slot('--', 'no-such-command-of-ours');
    assert.equal(missing.code, 127, told(missing));
    assert.match(missing.stderr, /no command "no-such-command-of-ours"/);
    const file = path.join(tempDir(), 'plain');
    fs.writeFileSync(file, 'no program');
    assert.equal((await slot('--', file)).code, 126);
    if (!isReal) assert.equal(broker.calls.length, 0);
  });

  test('a signal while it waits leaves the queue at once', async () => {
    const holder = beginSlot('--', 'sh', '-c', 'echo begun; exec sleep 60');
    await holder.shows('begun');
    for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
      const waiter = beginSlot('--', 'true');
      if (isReal) await broker.profileWhen('gpu', 'one waits', (p) => p.waiting.workflow === 1);
      else await until('one waits', () => broker.waiting.length === 1);
      waiter.child.kill(signal);
      assert.equal((await waiter.ended()).code, code);
      if (isReal) await broker.profileWhen('gpu', 'nobody waits', (p) => p.waiting.workflow === 0);
      else await until('nobody waits', () => broker.waiting.length === 0);
    }
    holder.child.kill('SIGTERM');
    await holder.ended();
  });

  test('with a key', { skip: isReal }, async () => {
    broker.key = 'sesame';
    const file = path.join(tempDir(), 'key');
    fs.writeFileSync(file, 'sesame\n');
    assert.equal((await slot('--key-file', file, '--', 'true')).code, 0);
    assert.equal((await slot('--', 'true')).code, CODE.key);
  });
});

describe('a lost slot ends the command', { timeout: 60_000 }, () => {
  test('taken back', onlyMock, async () => {
    const r = beginSlot('--lease', '1', '--', 'sh', '-c', 'trap "echo bye; exit 0" TERM; echo begun; while :; do sleep 0.05; done');
    await r.shows('begun');
    broker.take_back();
    const { code, stdout, stderr } = await r.ended();
    assert.equal(code, LOST, stderr);
    assert.match(stdout, /bye/);
    assert.match(stderr, /the slot is lost: .*lease_expired/);
    assert.equal(broker.of('release').length, 0, 'what is gone is not given back');
  });

  test('its time is over', async () => {
    const r = beginSlot('--inference', '1', '--description', 'endless', '--', 'sleep', '60');
    const { code, stderr } = await r.ended();
    assert.equal(code, LOST, stderr);
    assert.match(stderr, /inference_timeout/);
    const row = await ending('endless');
    assert.ok([row.status, row.error_kind].includes('inference_timeout'), JSON.stringify(row));
  });

  test('the daemon is gone for longer than the lease; a command that does not listen is killed', onlyMock, async () => {
    const r = beginSlot('--lease', '1.5', '--grace', '1', '--', 'sh', '-c', 'trap "echo deaf" TERM; echo begun; while :; do sleep 0.05; done');
    await r.shows('begun');
    await broker.stop();
    const { code, stdout, stderr } = await r.ended();
    assert.equal(code, LOST, stderr);
    assert.match(stdout, /deaf/, 'it was asked first');
    assert.match(stderr, /could not be renewed in time: cannot reach/);
  });

  test('a daemon that is silent is one that is gone', onlyMock, async () => {
    broker.script.renew = Array.from({ length: 20 }, () => ({ hang: true }));
    const { code, stderr } = await beginSlot('--lease', '1', '--', 'sleep', '60').ended();
    assert.equal(code, LOST, stderr);
  });

  test('a shorter absence does not matter', onlyMock, async () => {
    broker.script.renew = [{ status: 500, body: slotError('store_failed') }, { status: 503, body: slotError('draining') }];
    const r = await slot('--lease', '6', '--', 'sleep', '5');
    assert.equal(r.code, 0, told(r));
    assert.ok(broker.of('renew').some((c) => c.status === 200), 'asked again until it went well');
  });

  test('a slot that cannot be given back is told', onlyMock, async () => {
    broker.script.release = [{ status: 500, body: slotError('store_failed', 'no room') }];
    const r = await slot('--', 'sh', '-c', 'exit 5');
    assert.equal(r.code, 5);
    assert.match(r.stderr, /could not be given back.*no room/);
  });
});

describe('the examples', { timeout: 60_000 }, () => {
  const upstreamed = async (work) => {
    const upstream = await startUpstream({ models: ['m'], tokens: 4 });
    try { await work(upstream); } finally { await upstream.stop(); }
  };

  test('slot.py asks a server while it holds a slot, and marks what happens', async () => {
    await upstreamed(async (upstream) => {
      const { code, stdout, stderr } = await begin('python3', [`${root}/examples/slot.py`, '--profile', 'gpu', '--upstream', upstream.url, '--model', 'm', '--description', 'from python', 'hello']).ended();
      assert.equal(code, 0, stderr);
      assert.ok(stdout.trim().length > 0, 'the answer is printed');
      const row = await ending('from python');
      assert.equal(row.status, 'ok');
      if (isReal) assert.ok(row.started_http_at && row.first_token_at);
      else assert.deepEqual(row.marks, ['started_http', 'first_token']);
    });
  });

  test('slot.py says how it went wrong', async () => {
    const port = await freePort();
    const { code, stderr } = await begin('python3', [`${root}/examples/slot.py`, '--profile', 'gpu', '--upstream', `http://127.0.0.1:${port}`, '--model', 'm', '--description', 'nobody there', 'hello']).ended();
    assert.notEqual(code, 0);
    assert.ok(stderr.length > 0);
    const row = await ending('nobody there');
    assert.equal(row.status, 'error');
  });

  test('slot.py renews', async () => {
    const script = `import sys, time; sys.path.insert(0, '${root}/examples')
from slot import slot
with slot('gpu', broker='${broker.base}', lease_s=1, description='renewed') as held:
    time.sleep(3)
    assert not held.is_lost
`;
    const { code, stderr } = await begin('python3', ['-c', script]).ended();
    assert.equal(code, 0, stderr);
    assert.equal((await ending('renewed')).status, 'ok');
  });

  test('slot.sh', async () => {
    const good = await begin('sh', [`${root}/examples/slot.sh`, 'gpu', 'sh', '-c', 'echo "has $SIGNALBOX_SLOT"; sleep 2'], { SIGNALBOX_LEASE_S: '1', SIGNALBOX_DESCRIPTION: 'by curl' }).ended();
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /has \S+/);
    assert.equal((await ending('by curl')).status, 'ok');
    const bad = await begin('sh', [`${root}/examples/slot.sh`, 'gpu', 'sh', '-c', 'exit 9'], { SIGNALBOX_DESCRIPTION: 'by curl, badly' }).ended();
    assert.equal(bad.code, 9, bad.stderr);
    assert.equal((await ending('by curl, badly')).error_kind, 'command_failed');
  });
});
