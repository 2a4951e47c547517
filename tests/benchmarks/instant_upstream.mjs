#!/usr/bin/env node
// What the broker costs when the LLM costs nothing: nginx answers every call with the same 1 KB; calls go to it direct,
// through HAProxy, and through the broker, in turns within one run, so that the ratios mean something on a noisy machine.
//
//   instant_upstream.mjs [--seconds 3] [--rounds 3] [--no-peer]
import fs from 'node:fs';
import path from 'node:path';
import { load as loadFor, startNginx } from './instant.mjs';
import { binary, freePort, lastTransaction, machine, main, median, options, processFigures, row, start, startBroker,
  stop, temporaryFolder, untilStatus, which } from './support.mjs';

const { seconds, rounds, 'no-peer': no_peer } = options({ seconds: 3, rounds: 3, 'no-peer': false });

async function startHaproxy(upstream) {
  const folder = temporaryFolder();
  const port = await freePort();
  const conf = path.join(folder, 'haproxy.cfg');
  fs.writeFileSync(conf, `
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 60s
  http-reuse always
frontend front
  bind 127.0.0.1:${port}
  default_backend upstream
backend upstream
  server s 127.0.0.1:${upstream} maxconn 1024 maxqueue 10000
`);
  const child = start(which('haproxy'), ['-db', '-f', conf], { cwd: folder });
  await untilStatus(child, port, '/', 200);
  return { child, port };
}

const load = (port, connections, duration_s = seconds) => loadFor(port, connections, duration_s);

/// Each target in turn, `rounds` times. @returns per target the medians over the rounds.
async function compare(targets, connections) {
  const results = targets.map(() => []);
  for (const target of targets) await load(target.port, connections, 1);  // warm
  for (let round = 0; round < rounds; ++round) {
    for (const [i, target] of targets.entries()) {
      const before = processFigures(target.child.pid).cpu_s;
      const result = await load(target.port, connections);
      results[i].push({ ...result, cpu_us: (processFigures(target.child.pid).cpu_s - before) / result.calls * 1e6 });
    }
  }
  return results.map((runs) => Object.fromEntries(['per_s', 'p50', 'p99', 'max', 'cpu_us'].map((name) => [name, median(runs.map((each) => each[name]))])));
}

const ms = (us) => (us / 1000).toFixed(3);

await main(async () => {
  console.log(`instant upstream: ${rounds} rounds of ${seconds} s each, medians; ${binary()}\n${machine()}`);
  const nginx = await startNginx();
  const targets = [{ name: 'direct (nginx)', ...nginx }];
  if (!no_peer) targets.push({ name: 'via HAProxy', ...await startHaproxy(nginx.port) });
  targets.push({ name: 'via broker, relaxed', ...await startBroker({ upstream: nginx.port, commit: 'relaxed' }) });
  targets.push({ name: 'via broker, sync', ...await startBroker({ upstream: nginx.port, commit: 'sync' }) });
  const relaxed = targets.length - 2;

  console.log('\n1 connection');
  row('', 'p50 ms', 'added ms', 'p99 ms', 'calls/s', 'cpu us/call');
  const alone = await compare(targets, 1);
  alone.forEach((each, i) => row(targets[i].name, ms(each.p50), ms(each.p50 - alone[0].p50), ms(each.p99), each.per_s.toFixed(0), each.cpu_us.toFixed(0)));
  const added = (alone[relaxed].p50 - alone[0].p50) / 1000;
  console.log(`relaxed adds ${added.toFixed(3)} ms (target 0.15)` +
    (no_peer ? '' : `, ${((alone[relaxed].p50 - alone[0].p50) / (alone[1].p50 - alone[0].p50)).toFixed(1)} times what HAProxy adds`));

  console.log('\n32 connections');
  row('', 'calls/s', 'of direct', 'p50 ms', 'p99 ms', 'cpu us/call');
  const many = await compare(targets, 32);
  many.forEach((each, i) => row(targets[i].name, each.per_s.toFixed(0), `${(each.per_s / many[0].per_s * 100).toFixed(1)} %`, ms(each.p50), ms(each.p99), each.cpu_us.toFixed(0)));
  console.log(`relaxed passes ${many[relaxed].per_s.toFixed(0)} calls/s (target 8000)` +
    (no_peer ? '' : `, ${(many[relaxed].per_s / many[1].per_s * 100).toFixed(1)} % of HAProxy`));

  console.log('\n200 connections');
  row('', 'calls/s', 'p50 ms', 'p99 ms', 'commits/s', 'moves/commit');
  // Three transitions per plain call: insert, claim, complete.
  for (const target of targets.slice(relaxed)) {
    await load(target.port, 200, 1);
    const before = await lastTransaction(target.store);
    const result = await load(target.port, 200, seconds * 2);
    const commits = await lastTransaction(target.store) - before;
    row(target.name, result.per_s.toFixed(0), ms(result.p50), ms(result.p99), (commits / result.us * 1e6).toFixed(0), (3 * result.calls / commits).toFixed(1));
    if (target.name.endsWith('sync')) console.log(`sync makes ${(3 * result.calls / commits).toFixed(1)} transitions per commit (target 50)`);
  }
  row('\nbroker, relaxed, at the end', ...Object.entries(processFigures(targets[relaxed].child.pid)).filter(([name]) => /mib|threads/.test(name)).map(([name, value]) => `${name}=${value.toFixed(0)}`));
  for (const target of targets) await stop(target.child);
});
