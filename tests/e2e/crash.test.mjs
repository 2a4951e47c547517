// `kill -9` of the broker, of worker processes and of clients at moments that a seed draws, under a mixed load on one store, round
// after round. What everyone was told goes into a history, which a checker of its own then looks through.
//   SIGNALBOX_CRASH_ROUNDS   rounds (20; 200 in the slow run)
//   SIGNALBOX_CRASH_SEED     of the first round; round i has seed + i
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon } from './support/daemon.mjs';
import { Load, POOL, random, WorkerProcess } from './support/crash_load.mjs';
import { History } from './support/history.mjs';
import { until } from './support/wait.mjs';

const ROUNDS = +(process.env.SIGNALBOX_CRASH_ROUNDS ?? 20);
const SEED = +(process.env.SIGNALBOX_CRASH_SEED ?? Date.now() % 1_000_000_000);
const CALLERS = 20;
const LONGEST_PHASE_MS = 300;
const WORKERS = [{ name: 'left', capacity: 3, wordDelayMs: 12 }, { name: 'right', capacity: 2, wordDelayMs: 12 }];

describe(`${ROUNDS} rounds of kill -9, seed ${SEED}`, { timeout: 60_000 + ROUNDS * 45_000 }, () => {
  const history = new History();
  const counts = { broker: 0, worker: 0, rounds: 0, tasks: 0, again: 0 };
  const all = new Map();                  // every row as it ended, by id
  let daemon, workers, broken = false;

  before(async () => {
    daemon = await startDaemon({
      config: {
        workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 5 },
        tasks: { max_attempts: 100 },
        inference: { profiles: { [`openai_compat:${POOL}`]: { max_queued: 1000, default_queue_wait_s: 120 } } },
      },
    });
    workers = WORKERS.map((w) => new WorkerProcess(daemon, history, w));
    for (const w of workers) await w.start();
  });
  after(async () => {
    for (const w of workers ?? []) await w.kill();
    await daemon?.kill();
  });

  /// Kills what the seed says and starts it again; the callers go on meanwhile.
  async function strike(next) {
    const draw = next();
    const killBroker = draw < 0.75;
    const victims = workers.filter(() => next() < (killBroker ? 0.2 : 0.6));
    if (!killBroker && !victims.length) victims.push(workers[Math.floor(next() * workers.length)]);
    await Promise.all([...(killBroker ? [daemon.kill()] : []), ...victims.map((w) => w.kill())]);
    counts.broker += killBroker;
    counts.worker += victims.length;
    if (killBroker) await daemon.start();
    await Promise.all(victims.map((w) => w.start()));
    return `${killBroker ? 'broker' : ''} ${victims.map((w) => w.name).join(' ')}`.trim();
  }

  for (let round = 0; round < ROUNDS; round++) {
    const seed = SEED + round;
    test(`round ${round + 1}, seed ${seed}`, async (t) => {
      if (broken) return t.skip('a round before it has failed');
      const next = random(seed);
      const load = new Load({ daemon, history, next, tag: `r${seed}` });
      if (!daemon.alive) await daemon.start();
      try {
        const watching = load.watchList();
        const phase = next() * LONGEST_PHASE_MS;
        load.begin(CALLERS);
        await delay(phase);
        const struck = await strike(next);
        const again = next() < 0.3;
        if (again) {                       // a second time, soon after the first
          await delay(next() * LONGEST_PHASE_MS);
          await strike(next);
          counts.again++;
        }
        await Promise.all(load.stories);
        const final = await load.finalRows();
        load.stop();
        await watching;
        const wrong = history.check({ ids: [...load.ids], final });
        assert.deepEqual(wrong, []);
        assert.ok(load.ids.size >= CALLERS / 2, `${load.ids.size} tasks`);
        for (const [id, row] of final) all.set(id, JSON.stringify(row));
        counts.rounds++;
        counts.tasks += load.ids.size;
        t.diagnostic(`${struck} after ${Math.round(phase)} ms${again ? ', and again' : ''}; ${load.ids.size} tasks, attempts ${[...final.values()].map((r) => r.attempts).join('')}`);
      } catch (e) {
        load.stop();
        broken = true;
        e.message += `\nreplay: SIGNALBOX_CRASH_SEED=${seed} SIGNALBOX_CRASH_ROUNDS=1 tests/e2e/run.sh crash.test.mjs\nstderr: ${daemon.logs.slice(-1500)}`;
        throw e;
      }
    });
  }

  test('at the end every round\'s rows are as they were, over one more kill', async (t) => {
    if (broken) return t.skip('a round has failed');
    assert.ok(all.size > 0, 'no round has left a row');
    await daemon.restart();
    for (const [id, whole] of all) {
      const r = await daemon.get(`/api/v1/inference-tasks/${id}`);
      assert.equal(r.status, 200, `${id}: ${r.text}`);
      assert.equal(JSON.stringify(r.json), whole);
    }
    await until('both workers are back', async () => (await daemon.json('/api/v1/workers')).workers.filter((w) => w.bound).length === WORKERS.length, { within: 10_000 });
    const open = (await daemon.json('/api/v1/inference-tasks?limit=500&status=pending&status=claimed&status=running')).tasks;
    assert.deepEqual(open.map((x) => [x.id, x.status]), [], 'and nothing is left behind unfinished');
    t.diagnostic(`${counts.rounds} rounds, ${counts.broker} broker kills, ${counts.worker} worker kills, ${counts.again} twice in a row, ${counts.tasks} tasks; first seed ${SEED}`);
  });
});
