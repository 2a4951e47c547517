// The daemon of the dev build kills itself the n-th time it passes a named point (SIGNALBOX_CRASH_AT="<point>:<n>"). For each point:
// the point is reached under load, the daemon comes back without it, and the checker finds every promise kept.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon } from './support/daemon.mjs';
import { Load, POOL, random, WorkerProcess } from './support/crash_load.mjs';
import { History } from './support/history.mjs';
import { until, within } from './support/wait.mjs';

const SEED = +(process.env.SIGNALBOX_CRASH_SEED ?? Date.now() % 1_000_000_000);
const REACH_MS = 2000;
const POINTS = [
  { point: 'store.before_commit', times: [3, 12, 40] },
  { point: 'store.after_commit', times: [3, 12, 40] },
  { point: 'front.before_reply', times: [5, 25] },
  { point: 'task.mid_stream', times: [1, 9] },
  // Rows must first have ended and have been kept for terminal_retention_s (at least 1 s) before a slice has anything to do.
  { point: 'gc.mid_slice', times: [1], reachMs: 2000 + REACH_MS, gc: { interval_s: 1, terminal_retention_s: 1 } },
];
const settings = (gc) => ({
  workers: { heartbeat_interval_s: 1, heartbeat_timeout_s: 5 }, tasks: { max_attempts: 100 }, ...(gc ? { gc } : {}),
  inference: { profiles: { [`openai_compat:${POOL}`]: { max_queued: 1000, default_queue_wait_s: 120 } } },
});

/// A daemon with two worker processes, and what `body` does with them; all of it ended by pid.
async function scene(config, body) {
  const history = new History();
  const daemon = await startDaemon({ config });
  const workers = ['left', 'right'].map((name) => new WorkerProcess(daemon, history, { name }));
  try {
    for (const w of workers) await w.start();
    await body({ daemon, history, workers });
  } finally {
    for (const w of workers) if (w.child) await w.kill();
    await daemon.kill();
  }
}

/// Starts it again with the point armed. It may pass the point before it is ready, which is as good.
async function arm(daemon, at) {
  await daemon.kill();
  daemon.env = { SIGNALBOX_CRASH_AT: at };
  daemon.spawn();
}
const disarm = async (daemon) => {
  daemon.env = {};
  await daemon.start();
};

describe(`named points, seed ${SEED}`, { timeout: 240_000 }, () => {
  for (const { point, times, reachMs = REACH_MS, gc } of POINTS) {
    for (const n of times) {
      test(`${point}, time ${n}`, async (t) => {
        await scene(settings(gc), async ({ daemon, history }) => {
          const load = new Load({ daemon, history, next: random(SEED + n), tag: `${point}-${n}` });
          load.mayBeGone = gc !== undefined;
          const watching = load.watchList();
          let going;
          try {
            await arm(daemon, `${point}:${n}`);
            await until('it is ready or dead', async () => daemon.exit || (await daemon.get('/readyz')).status === 200, { within: 20_000 });
            going = load.keepGoing();
            await Promise.race([daemon.exited, delay(reachMs)]);
            const exit = daemon.exit;
            const ended = load.acks;
            load.stop();
            if (!exit) await daemon.kill();
            await disarm(daemon);
            await going;
            await Promise.all(load.stories);
            const final = await load.finalRows();
            await watching;
            assert.ok(exit, `${point} was not passed ${n} times in ${reachMs} ms of load (${ended} acknowledgements)`);
            assert.equal(exit.signal, 'SIGKILL', JSON.stringify(exit));
            assert.deepEqual(history.check({ ids: [...load.ids], final, mayBeGone: load.mayBeGone }), []);
            assert.ok(load.ids.size > 0);
            t.diagnostic(`${load.ids.size} tasks, ${ended} acknowledged before the end`);
          } catch (e) {
            e.message += `\nreplay: SIGNALBOX_CRASH_SEED=${SEED} tests/e2e/run.sh crash_points.test.mjs\nstderr: ${daemon.logs.slice(-1500)}`;
            throw e;
          } finally {
            load.stop();
          }
        });
      });
    }
  }

  test('recovery.mid: killed while it recovers, three times over', async (t) => {
    await scene(settings(), async ({ daemon, history }) => {
      const load = new Load({ daemon, history, next: random(SEED), tag: 'recovery' });
      const watching = load.watchList();
      load.begin(20);
      await until('something is acknowledged', () => load.acks >= 3, { within: 10_000 });
      for (let time = 0; time < 3; time++) {
        await arm(daemon, 'recovery.mid:1');
        const exit = await within('recovery.mid is reached at start', daemon.exited, 10_000);
        assert.equal(exit.signal, 'SIGKILL', `${JSON.stringify(exit)} ${daemon.logs.slice(-500)}`);
      }
      await disarm(daemon);
      await Promise.all(load.stories);
      const final = await load.finalRows();
      load.stop();
      await watching;
      assert.deepEqual(history.check({ ids: [...load.ids], final }), []);
      t.diagnostic(`${load.ids.size} tasks`);
    });
  });
});
