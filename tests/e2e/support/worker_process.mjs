// A worker as a process of its own, to be killed: binds, answers each job with words that only this job says, comes back after the
// broker was away, repeats a result until the broker has said something about it.
//   node worker_process.mjs PORT LLM POOL CAPACITY WORD_DELAY_MS [SESSION]
// Prints lines of JSON: {session, bound: true} at each bind, {task, status, duplicate, text} for each answered result.
import { setTimeout as delay } from 'node:timers/promises';
import { bodyOf, Worker } from './worker.mjs';

const [port, name, pool, capacity, wordDelayMs, session] = process.argv.slice(2);
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let count = 0;

const worker = new Worker(+port, { llms: [{ name, type: 'openai', model: `${name}-model`, pool, capacity: +capacity }], session: session ?? null, heartbeatMs: 300, always: run });

async function run(job) {
  const { channel } = worker;
  const words = [job.content, ' by ', String(process.pid), ' try ', String(job.attempt), ' #', String(++count)];
  const text = words.join('');
  const lost = () => job.cancelled || channel.ended !== undefined || channel !== worker.channel;
  for (const w of words) {
    await delay(+wordDelayMs);
    if (lost()) return;
    if (job.streaming && (await job.say(w).catch(() => undefined))?.status !== 200) return;
  }
  // A streamed answer's words went over this channel: without it they are void. A plain one is whole and is offered again.
  for (let tries = 0; tries < 200; tries++) {
    if (job.streaming && lost()) return;
    const r = await job.post('result', job.streaming ? { done: true } : { status: 200, body: bodyOf(job, text) }).catch(() => undefined);
    if (r) {
      print({ task: job.task, status: r.status, duplicate: r.json?.duplicate === true, text });
      return;
    }
    await delay(30);
  }
}

process.on('uncaughtException', (e) => { print({ failure: e.stack }); process.exit(1); });
worker.beat();
for (;;) {
  try {
    if (!worker.session || worker.unknown) {
      const r = await worker.register();
      worker.unknown = r.status !== 201;
      if (worker.unknown) { print({ refused: r.status, text: r.text.slice(0, 200) }); await delay(200); continue; }
    }
    const channel = await worker.bind();
    print({ session: worker.session, bound: true });
    await channel.done;
  } catch (e) {
    worker.unknown = /status 404/.test(e.message);
  }
  await delay(40);
}
