// The load of the crash tests: callers of every kind that go on over the broker's death as good clients do, worker processes, and a
// reader of the list. All that they are told goes into a History.
import path from 'node:path';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cleanEnv } from './daemon.mjs';
import { textOf } from './history.mjs';
import { isDone, open, spoken, streamError } from './http.mjs';
import { TaskStream } from './task_stream.mjs';
import { guard } from './temp.mjs';
import { until, within } from './wait.mjs';

const TASKS = '/api/v1/inference-tasks';
export const POOL = 'yard';
const PATIENCE = 30_000;

/// Random numbers that a seed repeats: in [0, 1).
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class WorkerProcess {
  constructor(daemon, history, { name, capacity = 3, wordDelayMs = 6 }) {
    Object.assign(this, { daemon, history, name, capacity, wordDelayMs, binds: 0, lines: [] });
  }

  spawn() {
    const program = path.join(path.dirname(fileURLToPath(import.meta.url)), 'worker_process.mjs');
    const args = [program, this.daemon.port, this.name, POOL, this.capacity, this.wordDelayMs, ...(this.session ? [this.session] : [])].map(String);
    this.child = guard(spawn(process.execPath, args, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'inherit'] }));
    this.exited = new Promise((r) => { this.child.once('exit', r); });
    createInterface({ input: this.child.stdout }).on('line', (text) => this.take(text));
    return this;
  }

  take(text) {
    const line = JSON.parse(text);
    this.lines.push(text);
    if (line.bound) { this.session = line.session; this.binds++; }
    if (line.failure) this.history.wrong(`worker ${this.name}: ${line.failure}`);
    if (line.task && line.status === 200) this.history.result(line.task, line);
    if (line.task && ![200, 404, 409].includes(line.status)) this.history.wrong(`worker ${this.name}: a result was answered ${text}`);
  }

  /// Bound once more than before.
  async start() {
    const had = this.binds;
    this.spawn();
    await until(`worker process ${this.name} is bound`, () => this.binds > had, { within: 15_000, seen: () => this.lines.slice(-4) });
    return this;
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

export class Load {
  constructor({ daemon, history, next, tag }) {
    Object.assign(this, { daemon, history, next, tag, stories: [], count: 0, ids: new Set(), acks: 0, stopped: false });
  }

  get port() { return this.daemon.port; }
  chatBody(name, stream) { return { model: POOL, messages: [{ role: 'user', content: name }], ...(stream ? { stream } : {}) }; }

  /// `n` callers, of kinds that the seed draws.
  begin(n) {
    const kinds = [this.async, this.asyncStream, this.plain, this.stream, this.keyless, this.leaver];
    for (let i = 0; i < n; i++) {
      const name = `${this.tag}-${++this.count}`;
      const kind = i < kinds.length ? kinds[i] : kinds[Math.floor(this.next() * kinds.length)];
      const story = kind.call(this, name).catch((e) => this.history.wrong(`${kind.name} ${name}: ${e.message}`));
      this.stories.push(story);
    }
    return this;
  }

  /// Callers one after another, until `stop`.
  async keepGoing(abreast = 8) {
    while (!this.stopped) {
      this.begin(abreast);
      await Promise.race([Promise.all(this.stories.slice(-abreast)), delay(300)]);
    }
  }
  stop() { this.stopped = true; }

  note(id, how) {
    this.ids.add(id);
    if (how) { this.acks++; this.history.acknowledged(id, how); }
  }

  /// The answer once the broker gave one: a broken connection and "come back later" are tried again.
  async again(what, options) {
    let last;
    return until(what, async () => {
      const call = open(this.port, options());
      last = await within(what, call.done, PATIENCE);
      return last.ended === 'clean' && !['draining'].includes(last.json?.error?.code) ? last : undefined;
    }, { within: PATIENCE, every: 25, seen: () => ({ status: last?.status, ended: last?.ended, text: last?.text.slice(0, 200) }) });
  }

  async enqueue(name, stream) {
    const headers = { 'Idempotency-Key': name };
    const r = await this.again(`${name} is enqueued`, () => ({ path: TASKS, body: { model: POOL, request: this.chatBody(name, stream) }, headers }));
    if (r.status !== 201 && r.status !== 200) throw new Error(`enqueue was answered ${r.status} ${r.text.slice(0, 300)}`);
    this.history.keyed(name, r.json.id);
    this.note(r.json.id, `enqueue ${name}`);
    return r.json.id;
  }

  /// Enqueued and polled to its end.
  async async(name) {
    const id = await this.enqueue(name, false);
    await until(`${name} (${id}) ends`, async () => {
      const from = this.history.now();
      const r = await within(`${name} is polled`, open(this.port, { method: 'GET', path: `${TASKS}/${id}?wait_s=0.2` }).done, PATIENCE);
      if (r.ended !== 'clean' || r.status !== 200) return r.status === 404 ? this.gone(id) : undefined;
      this.history.row('a poll', from, r.json);
      return r.json.completed_at;
    }, { within: PATIENCE, every: 10 });
  }
  gone(id) {
    if (!this.mayBeGone) this.history.wrong(`kept: task ${id} was acknowledged and is 404`);
    return true;
  }

  /// Enqueued and watched, re-attached with Last-Event-ID as often as it takes.
  async asyncStream(name) {
    const id = await this.enqueue(name, true);
    let last, breaks = 0;
    await until(`${name} (${id}) is watched to its end`, async () => {
      const from = this.history.now();
      const stream = new TaskStream(this.port, id, { lastEventId: last });
      await within(`${name}: its stream ends`, stream.done, PATIENCE);
      if (stream.status === 404) return this.gone(id);
      last = stream.events.at(-1)?.id ?? last;
      if (!stream.terminal) { breaks++; return stream.status === 204 || undefined; }
      if (stream.events.at(-1).event !== 'terminal') this.history.wrong(`final: ${id} went on after its terminal event`);
      this.history.row('a terminal event', from, stream.terminal);
      const body = textOf(stream.terminal.response_body);
      if (!breaks && stream.chunks.length && stream.terminal.status === 'completed' && stream.spoken !== body) this.history.wrong(`answers: ${id} was heard as "${stream.spoken}" and kept as "${body}"`);
      return true;
    }, { within: PATIENCE, every: 20 });
  }

  /// A plain call with a key, repeated until it has its answer.
  async plain(name) { return this.keyedCall(name, false); }
  async stream(name) { return this.keyedCall(name, true); }
  async keyedCall(name, stream) {
    const headers = { 'Idempotency-Key': name };
    let id;
    await until(`${name} has its answer`, async () => {
      const r = await within(`${name} is answered`, open(this.port, { path: '/v1/chat/completions', body: this.chatBody(name, stream), headers }).done, PATIENCE);
      const told = r.headers['x-signalbox-task'];
      if (told) { this.history.keyed(name, told); id = told; }
      if (r.ended !== 'clean') return undefined;
      return this.settle(name, id, r, stream);
    }, { within: PATIENCE, every: 25 });
  }

  settle(name, id, r, stream) {
    const code = r.json?.error?.code ?? (stream && r.status === 200 ? streamError(r.text)?.code : undefined);
    if (code === 'draining') return undefined;
    if (!id) throw new Error(`an answer without X-Signalbox-Task: ${r.status} ${r.text.slice(0, 300)}`);
    if (stream && code === 'backend_stream_failed') {
      this.note(id, `stream ${name}, failed`);
      this.history.failed(id, code);
      return true;
    }
    if (r.status !== 200 || code) throw new Error(`answered ${r.status} ${r.text.slice(0, 300)}`);
    if (stream && !isDone(r.text)) throw new Error(`a stream ended politely without [DONE]: ${r.text.slice(-300)}`);
    this.note(id, `the answer of ${name}`);
    this.history.answer(id, stream ? spoken(r.text) : textOf(r.json), `the answer of ${name}`);
    return true;
  }

  /// No key: one try.
  async keyless(name) {
    const stream = this.next() < 0.5;
    const r = await within(`${name} is answered`, open(this.port, { path: '/v1/chat/completions', body: this.chatBody(name, stream) }).done, PATIENCE);
    if (r.ended === 'clean') this.settle(name, r.headers['x-signalbox-task'], r, stream);
  }

  /// A client that is killed: its connection breaks at a moment that the seed draws. With a key, its repeat gets the answer.
  async leaver(name) {
    const [stream, keyed, patience] = [this.next() < 0.5, this.next() < 0.5, this.next() * 150];
    const call = open(this.port, { path: '/v1/chat/completions', body: this.chatBody(name, stream), headers: keyed ? { 'Idempotency-Key': name } : {} });
    await Promise.race([delay(patience), call.done]);
    if (call.ended === undefined) call.abort();
    if (keyed) await this.keyedCall(name, stream);
  }

  /// Looks at the list again and again.
  async watchList() {
    while (!this.stopped) {
      const from = this.history.now();
      const r = await open(this.port, { method: 'GET', path: `${TASKS}?limit=60&include=bodies` }).done;
      if (r.ended === 'clean' && r.status === 200) {
        for (const row of r.json.tasks) {
          if (!row.request_body?.messages?.at(-1)?.content?.startsWith(`${this.tag}-`)) continue;
          this.ids.add(row.id);
          this.history.row('the list', from, row);
        }
      }
      await delay(30);
    }
  }

  /// The rows of all that was seen, once they have ended (or are gone).
  async finalRows() {
    const rows = new Map();
    const look = async (id) => {
      const from = this.history.now();
      const r = await this.again(`the row of ${id}`, () => ({ method: 'GET', path: `${TASKS}/${id}?wait_s=20` }));
      if (r.status !== 200) return;
      rows.set(id, r.json);
      this.history.row('the last look', from, r.json);
    };
    const ids = [...this.ids];
    await Promise.all(Array.from({ length: 8 }, async () => { while (ids.length) await look(ids.pop()); }));
    return rows;
  }
}
