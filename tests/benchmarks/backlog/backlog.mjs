#!/usr/bin/env node
// What a backlog costs: a daemon is started on a store with few and with many pending tasks, and the same is asked of both.
// The backlog is to be rows: what a call costs must not depend on it.
//
//   backlog.mjs [--few 1000] [--many 1000000] [--calls 400] [--claims 200]
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { binary, freePort, machine, main, options, processFigures, row, run, sleep, start, stop, temporaryFolder, tool, untilStatus } from '../support.mjs';

const { few, many, calls, claims } = options({ few: 1000, many: 1_000_000, calls: 400, claims: 200 });
const tasks = '/api/v1/inference-tasks';
const prompt = 'x'.repeat(940);

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

/// One call on a kept connection. @returns the parsed answer; throws on another status than `wanted`.
function call(agent, port, method, url, wanted, body) {
  return new Promise((done, failed) => {
    const request = http.request({ host: '127.0.0.1', port, path: url, method, agent, headers: body ? { 'Content-Type': 'application/json' } : {} }, (answer) => {
      let text = '';
      answer.on('data', (bytes) => { text += bytes; });
      answer.on('end', () => (answer.statusCode === wanted ? done(JSON.parse(text)) : failed(new Error(`${method} ${url}: ${answer.statusCode} ${text}`))));
    });
    request.on('error', failed);
    request.end(body);
  });
}

/// Medians and 99th percentiles of `count` calls, one after the other. Unit: ms.
async function timed(count, once) {
  const took = [];
  for (let i = 0; i < count; ++i) {
    const began = performance.now();
    await once(i);
    took.push(performance.now() - began);
  }
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/// An LLM that answers at once, one call at a time; it notes how long the broker took from one answer to the next call.
function turnOnBackend(port) {
  const pauses = [];
  let ended = null;
  const answer = JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'x' } }] });
  const server = http.createServer((request, response) => {
    const isCall = request.method === 'POST';
    if (isCall && ended !== null) pauses.push(performance.now() - ended);
    request.resume();
    request.on('end', () => {
      response.setHeader('Content-Type', 'application/json');
      response.end(isCall ? answer : JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] }));
      if (isCall) ended = performance.now();
    });
  });
  return new Promise((done) => { server.listen(port, '127.0.0.1', () => done({ server, pauses })); });
}

async function measure(count) {
  const folder = temporaryFolder();
  const store = path.join(folder, 'store');
  const began_fill = performance.now();
  const [, middle] = (await run(tool('fill_store'), [store, String(count)])).trim().split('\n');
  const filled_s = (performance.now() - began_fill) / 1000;
  const port = await freePort();
  const upstream = await freePort();
  const file = path.join(folder, 'signalbox.yaml');
  fs.writeFileSync(file, JSON.stringify({
    http: { port }, store: { path: store, map_size_gb: 16 }, echo: { enabled: false }, tasks: { max_backlog: 10_000_000 },
    upstreams: [{ name: 'bench', type: 'openai', url: `http://127.0.0.1:${upstream}`, models: ['bench'], capacity: 1 }],
  }));
  const began = performance.now();
  const child = start(binary(), ['serve', '--config', file], { cwd: folder });
  await untilStatus(child, port, '/readyz', 200, 60_000, 2);
  const figures = { 'filled, s': filled_s, 'start to ready, ms': performance.now() - began };
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const get = (url) => call(agent, port, 'GET', url, 200);
  // The last turn is there when its position is known: the queues are handed over behind /readyz.
  while ((await get(`${tasks}/${middle}`)).queue_position === null) await sleep(2);
  figures['start to first position, ms'] = performance.now() - began;
  const after_start = processFigures(child.pid);
  figures['RSS after start, MiB'] = after_start.rss_mib;
  figures['  of it anonymous, MiB'] = after_start.anonymous_mib;
  figures['  peak RSS, MiB'] = after_start.peak_rss_mib;

  const add = async (name, once, number = calls) => {
    const { p50, p99 } = await timed(number, once);
    figures[`${name} p50, ms`] = p50;
    figures[`${name} p99, ms`] = p99;
  };
  const body = JSON.stringify({ model: 'bench', request: { messages: [{ role: 'user', content: prompt }], max_tokens: 1 } });
  await timed(20, () => call(agent, port, 'POST', tasks, 201, body));
  await add('enqueue', () => call(agent, port, 'POST', tasks, 201, body));
  await add('list, first page', () => get(tasks));
  await add('list, pool and status', () => get(`${tasks}?pool=bench&status=pending`));
  await add('list, deep cursor', () => get(`${tasks}?cursor=${middle}`));
  await add('list, deep cursor, pool', () => get(`${tasks}?pool=bench&status=pending&cursor=${middle}`));
  await add('get, middle of the queue', () => get(`${tasks}/${middle}`));
  // Holes in the queue must not make the positions behind them dear.
  const page = (await get(`${tasks}?limit=500`)).tasks.filter((_, index) => index % 4 === 0).slice(0, 100);
  await add('cancel, end of the queue', (i) => call(agent, port, 'DELETE', `${tasks}/${page[i].id}`, 200), page.length);
  await add('get, after the cancels', () => get(`${tasks}/${middle}`));

  const backend = await turnOnBackend(upstream);
  const end = Date.now() + 60_000;
  while (backend.pauses.length < claims && Date.now() < end) await sleep(10);
  figures['claim after claim p50, ms'] = quantile(backend.pauses, 0.5);
  figures['claim after claim p99, ms'] = quantile(backend.pauses, 0.99);
  const at_end = processFigures(child.pid);
  figures['RSS at the end, MiB'] = at_end.rss_mib;
  figures['  anonymous at the end, MiB'] = at_end.anonymous_mib;
  await stop(child);
  backend.server.closeAllConnections();
  backend.server.close();
  agent.destroy();
  fs.rmSync(folder, { recursive: true, force: true });
  return figures;
}

await main(async () => {
  console.log(`backlog; ${binary()}\n${machine()}\n`);
  const small = await measure(few);
  const large = await measure(many);
  row('', few, many, 'ratio');
  for (const name of Object.keys(small)) {
    row(name, small[name].toFixed(2), large[name].toFixed(2), (large[name] / small[name]).toFixed(2));
  }
  console.log('\n(targets: RSS 300 MiB, ready in 5 s, calls within twice of those with few)');
});
