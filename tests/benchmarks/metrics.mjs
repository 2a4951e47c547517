#!/usr/bin/env node
// What it costs to count calls, time commits and pieces of answers, and keep the numbers of tasks: the same load on a build
// from before there was that, and on this one; then on this one while pages follow the live events.
//
//   metrics.mjs --before BIN [--seconds 3] [--rounds 7] [--connections 32] [--listeners 8]
import fs from 'node:fs';
import http from 'node:http';
import { load, startNginx } from './instant.mjs';
import { binary, machine, main, median, options, processFigures, row, sleep, startBroker, stop } from './support.mjs';

const { before, seconds, rounds, connections, listeners } = options({ before: '', seconds: 3, rounds: 7, connections: 32, listeners: 8 });

async function measure(target) {
  const cpu = processFigures(target.child.pid).cpu_s;
  const result = await load(target.port, connections, seconds);
  return { per_s: result.per_s, p50: result.p50, cpu_us: (processFigures(target.child.pid).cpu_s - cpu) / result.calls * 1e6 };
}

/// Reads and throws away. @returns {bytes, close}.
function listen(port) {
  const reader = { bytes: 0 };
  const request = http.get({ host: '127.0.0.1', port, path: '/api/v1/events', agent: false }, (answer) => {
    answer.on('data', (bytes) => { reader.bytes += bytes.length; });
    answer.on('error', () => {});
  });
  request.on('error', () => {});
  reader.close = () => request.destroy();
  return reader;
}

/// One after the other, and the other way round in the next round, so that what drifts hits both alike. Prints the ratio of
/// each pair's halves as a median.
async function compare(name, one, other) {
  const results = [[], []];
  for (let round = 0; round < rounds; ++round) {
    for (const which of round % 2 ? [1, 0] : [0, 1]) {
      const target = [one, other][which];
      await target.begin?.();
      results[which].push(await measure(target));
      target.end?.();
    }
  }
  const ratios = (figure) => results[0].map((each, i) => results[1][i][figure] / each[figure]).sort((a, b) => a - b);
  console.log(`\n${name}`);
  row('', 'calls/s', 'p50 us', 'cpu us/call');
  for (const [i, target] of [one, other].entries()) row(target.name, ...['per_s', 'p50', 'cpu_us'].map((figure) => median(results[i].map((each) => each[figure])).toFixed(0)));
  for (const [figure, words] of [['per_s', 'throughput'], ['cpu_us', 'processor time per call']]) {
    const all = ratios(figure);
    console.log(`${words}: ${median(all).toFixed(3)} of before, pairs from ${all[0].toFixed(3)} to ${all.at(-1).toFixed(3)}`);
  }
}

await main(async () => {
  if (!fs.existsSync(before)) throw new Error('--before BIN: a release build of the commit before the metrics');
  console.log(`cost of metrics: ${rounds} pairs of ${seconds} s each, ${connections} connections, relaxed; ${before} and ${binary()}\n${machine()}`);
  const nginx = await startNginx();
  const target = async (name, more = {}) => ({ name, ...await startBroker({ upstream: nginx.port, commit: 'relaxed', ...more }) });
  const old = await target('before', { bin: before }), fresh = await target('with metrics');
  for (const each of [old, fresh]) await load(each.port, connections, 2);
  await compare('metrics (target: throughput 0.97)', old, fresh);

  let readers = [];
  const followed = {
    ...fresh, name: `followed by ${listeners}`,
    begin: async () => { readers = Array.from({ length: listeners }, () => listen(fresh.port)); while (readers.some((each) => each.bytes === 0)) await sleep(20); },
    end: () => { for (const each of readers) each.close(); },
  };
  await compare('live events', { ...fresh, name: 'followed by nobody' }, followed);
  console.log(`a reader got ${(readers[0].bytes / 1024 / seconds).toFixed(0)} KiB/s`);
  for (const each of [old, fresh, nginx]) await stop(each.child);
});
