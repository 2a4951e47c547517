// A worker that binds: registers its LLMs, keeps the SSE channel and the heartbeats, answers what it is sent, and can be lost in
// every way a real one can: killed (its socket breaks), vanished (silent, the socket open), drained, gone in good order.
//
// What a frame gets is decided when it comes: the first of `plan` (one-shot), else `always`; both are functions of a Job.
import { EventReader } from './task_stream.mjs';
import { send } from './http.mjs';
import { until } from './wait.mjs';
import { sentence, word } from './upstream.mjs';

export const chunkOf = (job, text, finish = null) => JSON.stringify(job.kind === 'completion'
  ? { id: `cmpl-${job.task}`, object: 'text_completion', created: 1700000000, model: job.model, choices: [{ index: 0, text, finish_reason: finish, logprobs: null }] }
  : { id: `chatcmpl-${job.task}`, object: 'chat.completion.chunk', created: 1700000000, model: job.model, choices: [{ index: 0, delta: finish ? {} : { content: text }, finish_reason: finish }] });

export function bodyOf(job, text) {
  const base = { created: 1700000000, model: job.model, usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } };
  if (job.kind === 'embedding') {
    const input = [job.request.input].flat();
    return { object: 'list', data: input.map((x, index) => ({ object: 'embedding', index, embedding: [String(x).length, 0.5] })), model: job.model, usage: { prompt_tokens: 1, total_tokens: 1 } };
  }
  if (job.kind === 'completion') return { id: `cmpl-${job.task}`, object: 'text_completion', ...base, choices: [{ index: 0, text, finish_reason: 'length', logprobs: null }] };
  return { id: `chatcmpl-${job.task}`, object: 'chat.completion', ...base, choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'length' }] };
}

/// One infer frame. Its posts give the broker's answer, whatever the status.
export class Job {
  constructor(worker, frame) {
    Object.assign(this, frame, { worker, frame, cancelled: false, freed: false });
  }

  get content() { return this.request?.messages?.at(-1)?.content ?? this.request?.prompt ?? this.request?.input; }
  post(kind, body) { return this.worker.post(`/tasks/${this.task}/${kind}`, body); }

  chunk(data) { return this.post('chunk', { data: typeof data === 'string' ? data : JSON.stringify(data) }); }
  chunks(list) { return this.post('chunk', { chunks: list }); }
  say(text) { return this.chunk(chunkOf(this, text)); }

  /// Its room is free from the moment the result is on its way: the next job may come before the answer does.
  async close(body) {
    if (this.worker.held.get(this.task) === this) this.worker.held.delete(this.task);
    const r = await this.post('result', body);
    this.worker.results.push({ task: this.task, body, status: r.status, json: r.json });
    return r;
  }
  result(body, status = 200) { return this.close({ status, body }); }
  answer(text) { return this.result(bodyOf(this, text)); }
  done() { return this.close({ done: true }); }
  fail(message = 'the worker broke', retryable) { return this.close({ error: { message, retryable } }); }

  /// Lets a held or stalled job go on.
  release() { this.freed = true; }
  async released() {
    await until('the job is released', () => this.freed || this.cancelled || this.worker.over, { within: 120_000, every: 5 });
    return this.freed;
  }
}

/// What a worker may do with a job.
export const answers = {
  /// `n` words, streamed one by one or in one body. `stallAfter`: after so many until released.
  words: (n = 4, { stallAfter, delayMs = 0 } = {}) => async (job) => {
    if (!job.streaming) {
      if (stallAfter !== undefined && !await job.released()) return;
      await job.answer(sentence(n));
      return;
    }
    for (let i = 0; i < n; i++) {
      if (i === stallAfter && !await job.released()) return;
      if (job.cancelled || (await job.say(word(i))).status !== 200) return;
      if (delayMs) await new Promise((r) => { setTimeout(r, delayMs); });
    }
    if (stallAfter === n && !await job.released()) return;
    await job.chunk(chunkOf(job, '', 'length'));
    await job.done();
  },
  hold: (n = 4) => answers.words(n, { stallAfter: 0 }),
  /// The test speaks for the worker.
  nothing: () => async () => {},
  status: (status, body) => (job) => job.result(body, status),
  fail: (message, retryable) => (job) => job.fail(message, retryable),
};

export class Worker {
  constructor(port, { llms, session = null, heartbeatMs = 400, headers = {}, always = answers.words() }) {
    Object.assign(this, { port, llms, session, heartbeatMs, headers, always, plan: [], jobs: [], wakes: [], cancels: [], drains: 0, results: [], failures: [] });
    this.held = new Map();
    this.maxHeld = 0;
    this.onWake = () => {};
  }

  get path() { return `/api/v1/workers/${this.session}`; }
  post(path, body) { return send(this.port, { method: 'POST', path: `${this.path}${path}`, body, headers: this.headers }); }

  /// The broker's answer to the registration, whatever it is; a 201 gives this worker its session.
  async register() {
    const r = await send(this.port, { method: 'POST', path: '/api/v1/workers', body: { session: this.session, llms: this.llms }, headers: this.headers });
    if (r.status === 201) this.session = r.json.session;
    return r;
  }

  /// Opens the channel; a second one of the same session replaces the first.
  async bind() {
    const channel = new EventReader(this.port, { path: `${this.path}/stream`, headers: this.headers, onEvent: (e) => this.take(e, channel) });
    const before = this.channel;
    this.channel = channel;
    const { status } = await channel.head;
    if (status !== 200) { this.channel = before; throw new Error(`bind of ${this.session}: status ${status}`); }
    this.over = false;
    return channel;
  }

  heartbeat(llms) { return this.post('/heartbeat', llms ? { llms } : {}); }
  beat() {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.heartbeat().catch(() => {}), this.heartbeatMs);
  }

  async start() {
    const r = await this.register();
    if (r.status !== 201) throw new Error(`registration: status ${r.status}, ${r.text}`);
    await this.bind();
    this.beat();
    return this;
  }

  take({ event, data }, channel) {
    if (channel !== this.channel) return;
    const frame = JSON.parse(data);
    if (event === 'wake') { this.wakes.push(frame); this.onWake(frame); }
    if (event === 'drain') this.drains++;
    if (event === 'cancel') {
      this.cancels.push(frame.task);
      const job = this.held.get(frame.task);
      if (job) { job.cancelled = true; this.held.delete(frame.task); }
    }
    if (event !== 'infer') return;
    const job = new Job(this, frame);
    this.jobs.push(job);
    this.held.set(job.task, job);
    this.maxHeld = Math.max(this.maxHeld, this.held.size);
    const todo = this.plan.shift() ?? this.always;
    Promise.resolve(todo(job)).catch((e) => { if (!this.over) this.failures.push(e); });
  }

  /// One-shot behaviours for the next jobs.
  next(...todo) { this.plan.push(...todo); return this; }
  release() { for (const job of this.jobs) job.release(); }

  /// The jobs that fit, once there are `count`.
  given(count = 1, fits = () => true, options = {}) {
    return until(`worker ${this.llms[0].name} was sent ${count} job(s)`, () => {
      const seen = this.jobs.filter(fits);
      return seen.length >= count ? seen : undefined;
    }, { ...options, seen: () => ({ ended: this.channel?.ended, jobs: this.jobs.map((j) => `${j.task} ${j.content} #${j.attempt}`) }) });
  }
  async job(fits, options) { return (await this.given(1, fits, options))[0]; }

  /// As `kill -9` of its process: every connection breaks, nothing more is said.
  kill() {
    clearInterval(this.timer);
    this.over = true;
    this.channel?.abort();
    this.held.clear();
  }

  /// Says nothing and reads nothing any more, while its socket stays open.
  vanish() {
    clearInterval(this.timer);
    this.over = true;
    this.channel?.response?.pause();
    this.held.clear();
  }

  drain() { return this.post('/drain', {}); }
  async leave() {
    clearInterval(this.timer);
    this.over = true;
    const r = await send(this.port, { method: 'DELETE', path: this.path, headers: this.headers });
    this.held.clear();
    this.channel?.abort();
    return r;
  }
}

/// Workers of one test file: made with `start`, all of them gone after `end`.
export class Crew {
  constructor(daemonOf) { Object.assign(this, { daemonOf, workers: [], names: 0 }); }

  /// A name that no other test of the file has.
  name(word_ = 'llm') { return `${word_}-${++this.names}`; }

  hire(options) {
    const worker = new Worker(this.daemonOf().port, { ...options, llms: options.llms ?? [this.llm(options)] });
    this.workers.push(worker);
    return worker;
  }
  llm({ name = this.name(), pool, model = `${name}-model`, capacity, tier, status }) {
    return { name, type: 'openai', model, ...(pool ? { pool } : {}), ...(capacity ? { capacity } : {}), ...(tier ? { tier } : {}), ...(status ? { status } : {}) };
  }
  start(options = {}) { return this.hire(options).start(); }

  /// Ends them, and fails if one of them met something unforeseen.
  async end() {
    const workers = this.workers.splice(0);
    for (const w of workers) {
      w.release();
      if (w.session && this.daemonOf()?.alive) await w.leave().catch(() => {});
      w.kill();
    }
    const failures = workers.flatMap((w) => w.failures);
    if (failures.length) throw failures[0];
  }
}
