// Run and replay are one: what a daemon did with its slots, made again from its own call rows, gives slots to the same calls in the
// same order, and every call waits as long as it did.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, startDaemon } from './support/daemon.mjs';
import { CODE, expectExit } from './support/cli.mjs';
import { expectOk } from './support/expect.mjs';
import { tempDir } from './support/temp.mjs';
import { startUpstream } from './support/upstream.mjs';

const SLOTS = 2;
const PROFILE = 'replayed';
// By class; a burst has its calls in this order.
const BURST = ['background', 'workflow', 'interactive', 'background', 'interactive', 'workflow', 'workflow', 'background', 'interactive', 'workflow'];
// More than all that a busy machine may lose between two calls of a burst (measured: under 2 ms a call), so that who comes while
// others run stands in the line at the same place in both worlds.
const APART_MS = 150;

/// A CSV file's rows as objects.
function readCsv(file) {
  const [header, ...rows] = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => line.split(','));
  return rows.map((row) => Object.fromEntries(row.map((cell, index) => [header[index], cell])));
}

describe('replay', { timeout: 120_000 }, () => {
  let up, daemon;
  before(async () => {
    up = await startUpstream({ models: ['m'] });
    daemon = await startDaemon({ config: {
      upstreams: [{ name: 'm', type: 'openai', url: up.url, models: ['m'], capacity: 16 }],
      inference: { profiles: { [PROFILE]: { max_concurrent: SLOTS, max_queued: 50 } } },
    } });
  });
  after(async () => { await daemon?.stop(); await up?.stop(); });

  test('the same calls get slots in the same order, and wait as long', async (t) => {
    up.always = { hold: true };
    const calls = [];
    const call = (priority) => calls.push(daemon.openChat(
      { model: 'm', user: `${calls.length}` },
      { 'X-Signalbox-Profile': PROFILE, 'X-Signalbox-Priority': priority, 'X-Signalbox-Description': `${calls.length}` },
    ));
    const queued = (count) => daemon.profileWhen(PROFILE, `${count} wait`, (p) => p.waiting.interactive + p.waiting.workflow + p.waiting.background === count);
    // Ends the call that has its slot for the longest time, now and then the other one, so that slots do not simply alternate.
    const endOne = async (waits) => {
      const seen = up.requests.length;
      const held = up.requests.filter((r) => r.state === 'open' && !r.released);
      held[held.length > 1 && seen % 3 === 0 ? 1 : 0].release();
      if (waits > 0) await up.arrived(seen + 1);
    };
    for (let burst = 0; burst < 4; burst++) {
      for (let index = 0; index < SLOTS; index++) {
        const seen = up.requests.length;
        call(BURST[(burst + index) % BURST.length]);
        await up.arrived(seen + 1);
      }
      let waits = 0;
      for (let index = 0; index < BURST.length; index++) {
        call(BURST[(burst * 3 + index) % BURST.length]);
        await queued(++waits);
      }
      for (let ended = 1; waits > 0; ended++) {
        await delay(10 + 7 * (ended % 4));
        await endOne(waits);
        waits--;
        if (ended % 4 === 0 && ended < 9) {
          await delay(APART_MS);
          call(ended === 4 ? 'interactive' : 'workflow');
          await queued(++waits);
          await delay(APART_MS);
        }
      }
      up.release();
      await daemon.idle();
    }
    for (const each of calls) expectOk(await each.done);
    assert.equal(calls.length, 4 * (SLOTS + BURST.length + 2));

    const rows = expectExit(await run(['get', 'calls', '--limit', '1000', '-o', 'jsonl'], { env: { SIGNALBOX_URL: daemon.base } }), CODE.ok).stdout;
    const folder = tempDir();
    const file = path.join(folder, 'calls.jsonl');
    fs.writeFileSync(file, rows);
    const out = path.join(folder, 'out');
    const { stdout } = expectExit(await run(['sim', 'replay', file, '--out', out], { env: { SIGNALBOX_TRACES: '' } }), CODE.ok);
    assert.match(stdout, new RegExp(`profile ${PROFILE}: ${SLOTS} slots`));

    // Calls of the replay count in the order of their rows' ids.
    const recorded = rows.trimEnd().split('\n').map((line) => JSON.parse(line)).sort((a, b) => (a.id < b.id ? -1 : 1));
    const replayed = readCsv(path.join(out, 'tasks.csv')).sort((a, b) => a.number - b.number);
    assert.equal(replayed.length, calls.length);
    replayed.forEach((task, index) => assert.equal(task.class, recorded[index].priority));
    const order = [...replayed].sort((a, b) => a.dispatched_us - b.dispatched_us || a.number - b.number).map((task) => recorded[task.number - 1].description);
    assert.deepEqual(order, up.requests.map((request) => request.body.user), 'admitted in the order in which the backend got them');

    // What the replay does not know: how long a slot was free between two calls, how long a call that found one free took to its
    // slot (its row went to the disk first), and what of a row is below a millisecond. A burst begins anew, so all that adds up over
    // one burst at most.
    const waited = (row) => Date.parse(row.admitted_at) - Date.parse(row.queued_at);
    const isFirst = (row) => Number(row.description) % (calls.length / 4) < SLOTS;
    const ends = recorded.map((row) => Date.parse(row.finished_at));
    const frees = recorded.filter((row) => !isFirst(row)).map((row) => Date.parse(row.admitted_at)).map((at) => at - Math.max(...ends.filter((end) => end <= at)));
    const free = Math.max(...frees);
    const stored = Math.max(...recorded.filter(isFirst).map(waited));
    const tolerance = stored + (free + 1) * (BURST.length + 2) / SLOTS + 2;
    const errors = replayed.map((task, index) => Math.abs(task.wait_us / 1e3 - waited(recorded[index])));
    t.diagnostic(`slots were free for at most ${free} ms, first calls stored within ${stored} ms; waits differ by at most ${Math.max(...errors).toFixed(1)} ms of ${tolerance}`);
    assert.ok(Math.max(...errors) <= tolerance, `${Math.max(...errors)} ms > ${tolerance} ms`);
    assert.ok(tolerance < APART_MS, 'a machine too slow to tell');
  });
});
