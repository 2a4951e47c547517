#!/usr/bin/env node
// What a broker with nothing to do takes, and how soon it is ready.
//
//   idle.mjs [--seconds 20] [--starts 9]
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { binary, freePort, machine, main, median, options, processFigures, row, sleep, start, stop, temporaryFolder } from './support.mjs';

const { seconds, starts } = options({ seconds: 20, starts: 9 });

/// Asks on one connection after the other, without a pause: a poll that waits would be measured too.
function ready(port) {
  return new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'));
    let text = '';
    socket.on('data', (bytes) => { text += bytes; });
    socket.once('error', () => done(false));
    socket.once('close', () => done(text.startsWith('HTTP/1.1 200')));
  });
}

/// From exec to the first 200 of /readyz. Unit: ms.
async function timedStart(extra) {
  const folder = temporaryFolder();
  const port = await freePort();
  const file = path.join(folder, 'signalbox.yaml');
  fs.writeFileSync(file, JSON.stringify({ http: { port }, store: { path: path.join(folder, 'store') }, ...extra }));
  const began = performance.now();
  const child = start(binary(), ['serve', '--config', file], { cwd: folder });
  while (!await ready(port)) {
    if (performance.now() - began > 20_000) throw new Error(`not ready:\n${child.text}`);
    await sleep(0.2);
  }
  return { child, port, took_ms: performance.now() - began };
}

/// For scale: a program that does nothing.
async function emptyStart() {
  const began = performance.now();
  await new Promise((done) => spawn('true', { stdio: 'ignore' }).once('close', done));
  return performance.now() - began;
}

await main(async () => {
  console.log(`idle and start; ${binary()}\n${machine()}\n`);
  row('', 'median', 'least', 'most');
  const show = (name, values) => row(name, ...[median(values), Math.min(...values), Math.max(...values)].map((each) => `${each.toFixed(1)} ms`));
  const empty = [];
  for (let i = 0; i < starts; ++i) empty.push(await emptyStart());
  show('start and end of `true`', empty);
  // With the upstreams that are looked for on well-known ports as well, which is what `./run` does.
  for (const [name, extra] of [['ready, new store, no upstreams', { upstreams: [] }], ['ready, new store, well-known ports', {}]]) {
    const took = [];
    for (let i = 0; i < starts; ++i) {
      const { child, took_ms } = await timedStart(extra);
      took.push(took_ms);
      await stop(child);
    }
    show(name, took);
  }
  console.log('(target 100 ms)\n');

  row('', 'CPU', 'RSS', 'anonymous', 'threads');
  for (const [name, extra] of [['idle, no upstreams', { upstreams: [] }], ['idle, well-known ports', {}]]) {
    const { child } = await timedStart(extra);
    await sleep(1000);
    const before = processFigures(child.pid).cpu_s;
    await sleep(seconds * 1000);
    const after = processFigures(child.pid);
    row(name, `${((after.cpu_s - before) / seconds * 100).toFixed(2)} %`, `${after.rss_mib.toFixed(1)} MiB`, `${after.anonymous_mib.toFixed(1)} MiB`, after.threads);
    await stop(child);
  }
  console.log('(targets 0.5 % of a core, 40 MiB)');
});
