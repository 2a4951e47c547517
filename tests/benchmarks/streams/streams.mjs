#!/usr/bin/env node
// A thousand streams at ten tokens a second each, once direct and once through the broker: is everything delivered, and
// how long does an event take? The upstream writes the time of sending into each event; the client reads it.
//
//   streams.mjs [--streams 1000] [--tokens 200] [--interval 100] [--commit sync]
import { binary, freePort, machine, main, options, processFigures, row, run, sleep, start, startBroker, status, stop, tool } from '../support.mjs';

const { streams, tokens, interval, commit } = options({ streams: 1000, tokens: 200, interval: 100, commit: 'sync' });

async function measure(port) {
  const limit_s = Math.ceil(tokens * interval / 1000) + 30;
  const text = await run(tool('stream_client'), [port, streams, tokens, 2000, limit_s].map(String), (limit_s + 10) * 1000);
  return Object.fromEntries(text.trim().split(' ').map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)]));
}

function show(name, result) {
  const ms = (us) => (us / 1000).toFixed(2);
  row(name, `${result.whole}/${result.streams}`, result.missing, ms(result.p50_us), ms(result.p99_us), ms(result.p999_us), ms(result.max_us), ms(result.first_p50_us), ms(result.first_p99_us));
}

await main(async () => {
  console.log(`${streams} streams, ${tokens} tokens each, one per ${interval} ms; ${binary()}\n${machine()}\n`);
  const port = await freePort();
  const upstream = start(tool('stream_upstream'), [port, tokens, interval].map(String));
  while (await status(port, '/v1/models') !== 200) await sleep(20);
  const broker = await startBroker({ upstream: port, commit, capacity: Math.max(1024, streams) });
  const idle = processFigures(broker.child.pid);

  row('', 'whole', 'missing', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms', 'first p50', 'first p99');
  const direct = await measure(port);
  show('direct', direct);
  const before = processFigures(broker.child.pid);
  const began = Date.now();
  let most = 0;
  let threads = 0;
  const sampling = setInterval(() => {
    const figures = processFigures(broker.child.pid);
    most = Math.max(most, figures.rss_mib);
    threads = Math.max(threads, figures.threads);
  }, 200);
  const via = await measure(broker.port);
  clearInterval(sampling);
  const after = processFigures(broker.child.pid);
  show('via broker', via);
  console.log(`\nadded: p50 ${((via.p50_us - direct.p50_us) / 1000).toFixed(2)} ms, p99 ${((via.p99_us - direct.p99_us) / 1000).toFixed(2)} ms (target: relay p99 5 ms)`);
  const seconds = (Date.now() - began) / 1000;
  const cpu = after.cpu_s - before.cpu_s;
  console.log(`broker: RSS ${idle.rss_mib.toFixed(0)} MiB idle, ${most.toFixed(0)} MiB at most (target 200), ${threads} threads, ` +
    `CPU ${(cpu / seconds * 100).toFixed(0)} % of a core (${((after.user_s - before.user_s) / seconds * 100).toFixed(0)} user), ` +
    `${(cpu / via.tokens * 1e6).toFixed(0)} us per token`);
  await stop(broker.child);
  await stop(upstream);
});
