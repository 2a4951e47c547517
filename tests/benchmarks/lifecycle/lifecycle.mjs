#!/usr/bin/env node
// What the durable life cycle of a task costs: enqueued and acknowledged when durable, taken by a worker, its result
// acknowledged when durable; 2 KB each way. The broker, beanstalkd and PostgreSQL run in turns within one run, each alone,
// started anew for its turn; between them the disk is asked what a sync costs by itself.
//
// As many producers as never wait measure the rate, and their own queue at the processor with it; what one enqueue takes is
// measured again at a steady --rate.
//
//   lifecycle.mjs [--seconds 5] [--rounds 3] [--producers 64] [--workers 8] [--capacity 16] [--rate 1000] [--clients 32] [--no-peer]
import fs from 'node:fs';
import path from 'node:path';
import { binary, freePort, lastTransaction, machine, main, median, options, processFigures, row, run, sleep, start, startBroker, stop,
  temporaryFolder, tool, which } from '../support.mjs';

const { seconds, rounds, producers, workers, capacity, rate, clients, 'no-peer': no_peer } =
  options({ seconds: 5, rounds: 3, producers: 64, workers: 8, capacity: 16, rate: 1000, clients: 32, 'no-peer': false });

const figuresOf = (text) => Object.fromEntries(text.trim().split('\n').at(-1).split(' ').map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)]));

async function load(name, ...args) {
  const found = figuresOf(await run(tool(name), args.map(String), seconds * 1000 + 60_000));
  return { ...found, per_s: found.cycles / found.seconds };
}

const broker = (paced) => async () => {
  const { child, port, store } = await startBroker();
  const before = await lastTransaction(store);
  const cpu_before = processFigures(child.pid).cpu_s;
  const began = performance.now();
  const result = await load('cycle_signalbox', port, seconds, producers, workers, capacity, paced);
  const took_s = (performance.now() - began) / 1000;
  const commits = await lastTransaction(store) - before;
  const cpu_us = (processFigures(child.pid).cpu_s - cpu_before) / result.all * 1e6;
  await stop(child);
  // A cycle is three transitions: insert, claim, complete.
  return { ...result, moves: 3 * result.all / commits, commits_per_s: commits / took_s, cpu_us };
};

const beanstalkd = (sync_ms) => async () => {
  const port = await freePort();
  const child = start(which('beanstalkd'), ['-l', '127.0.0.1', '-p', String(port), '-b', temporaryFolder(), `-f${sync_ms}`]);
  await sleep(300);
  const result = await load('cycle_beanstalkd', port, seconds, producers, workers * capacity);
  await stop(child);
  return result;
};

const postgresqlFolder = '/usr/lib/postgresql/15/bin';

/// A cluster of its own with the settings it comes with. PostgreSQL refuses to run as root.
async function postgresqlCluster() {
  const folder = temporaryFolder();
  let as = {};
  if (process.getuid() === 0) {
    const [uid, gid] = (await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])).map(Number);
    as = { uid, gid };
    fs.chownSync(folder, uid, gid);
  }
  const data = path.join(folder, 'data');
  await run(path.join(postgresqlFolder, 'initdb'), ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--locale=C'], 60_000, { ...as, cwd: folder });
  return async () => {
    const port = await freePort();
    const child = start(path.join(postgresqlFolder, 'postgres'), ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder], { ...as, cwd: folder });
    const connection = `host=127.0.0.1 port=${port} user=bench dbname=postgres`;
    const sql = (text) => run(path.join(postgresqlFolder, 'psql'), ['-qX', '-v', 'ON_ERROR_STOP=1', '-d', connection, '-c', text]);
    for (let left = 100; !child.text.includes('ready to accept connections'); --left) {
      if (left === 0) throw new Error(`PostgreSQL does not start:\n${child.text}`);
      await sleep(100);
    }
    await sql(`DROP TABLE IF EXISTS tasks; CREATE TABLE tasks (id bigserial PRIMARY KEY, status text NOT NULL DEFAULT 'pending',
      request text NOT NULL, response text, created_at timestamptz NOT NULL DEFAULT now(), claimed_at timestamptz, completed_at timestamptz);
      CREATE INDEX tasks_pending ON tasks (id) WHERE status = 'pending'`);
    const result = await load('cycle_postgresql', connection, seconds, clients);
    await stop(child);
    return result;
  };
}

const ms = (us) => (us / 1000).toFixed(2);

await main(async () => {
  console.log(`life cycle: ${rounds} rounds of ${seconds} s each, medians; ${producers} producers, ${workers} workers of ${capacity}; ${binary()}\n${machine()}`);
  const targets = [{ name: 'broker', turn: broker(0) }, { name: `broker, at ${rate}/s`, turn: broker(rate) }];
  if (!no_peer) {
    targets.push({ name: 'beanstalkd -f0', turn: beanstalkd(0) }, { name: 'beanstalkd -f50', turn: beanstalkd(50) },
      { name: `PostgreSQL, ${clients} clients`, turn: await postgresqlCluster() });
  }
  const syncs = [];
  const disk = path.join(temporaryFolder(), 'appended');
  const sync = async () => syncs.push(figuresOf(await run(tool('disk_sync'), [disk])));
  const results = targets.map(() => []);
  for (let round = 0; round < rounds; ++round) {
    for (const [i, target] of targets.entries()) {
      await sync();
      results[i].push(await target.turn());
    }
  }
  await sync();
  const middle = (runs, name) => median(runs.map((each) => each[name]));

  row('\n', 'cycles/s', 'enqueue p50', 'p99, ms', 'in each round');
  results.forEach((runs, i) => row(targets[i].name, middle(runs, 'per_s').toFixed(0), ms(middle(runs, 'enqueue_p50_us')), ms(middle(runs, 'enqueue_p99_us')),
    `    ${runs.map((each) => each.per_s.toFixed(0)).join(' ')}`));
  const [ours, paced, slow, , rows] = results;
  const per_s = middle(ours, 'per_s');
  const sync_us = middle(syncs, 'p50_us');
  console.log(`\n4 KiB appended and synced: p50 ${ms(sync_us)}, p99 ${ms(middle(syncs, 'p99_us'))} ms`);
  for (const [name, runs] of [['broker', ours], [`at ${rate}/s`, paced]]) {
    const commits = middle(runs, 'commits_per_s');
    const p99 = middle(runs, 'enqueue_p99_us');
    console.log(`${name}: ${middle(runs, 'moves').toFixed(1)} transitions per commit, ${commits.toFixed(0)} commits/s, ${middle(runs, 'cpu_us').toFixed(0)} us of processor per cycle, ` +
      `enqueue p99 ${(p99 * commits / 1e6).toFixed(1)} times from one commit to the next, ${(p99 / sync_us / 2).toFixed(1)} times two syncs (target 3)`);
  }
  console.log(`${per_s.toFixed(0)} cycles/s (target 4000)`);
  if (!no_peer) {
    console.log(`${(per_s / middle(slow, 'per_s')).toFixed(1)} times beanstalkd -f0 (target 8), ${(per_s / middle(rows, 'per_s')).toFixed(1)} times PostgreSQL (target 3)`);
  }
  console.log(machine());
});
