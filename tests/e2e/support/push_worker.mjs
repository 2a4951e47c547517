// A push worker: an HTTP server of its own that announces itself by heartbeat and is given work. `POST /v1/inference` makes a job,
// `GET /v1/inference/<job>/stream` says its tokens; both go wrong exactly as told. Keeps every request it saw, with how it ended.
//
// What a job gets is decided when its POST arrives: the first of `plan` (one-shot), else `always` (an object, or a function of the
// record). A behaviour:
//   tokens, tokenDelayMs, firstDelayMs   what is said, and the pace (defaults: the worker's)
//   hold: "post"|"stream"   before the answer to the POST, or before the stream's first byte, until `record.release()`
//   stallAfter: n           after n tokens, until released
//   cut: "post"|"stream"|"head"|n   break the connection before the POST's answer, before the stream's head, after it, or after n tokens
//   status, body, headers   another answer to the POST than 200 {job_id, sse_url}; a text body is sent as it is
//   sseUrl                  another value for sse_url
//   streamStatus, streamBody, streamHeaders, contentType   another answer to the GET
//   raw: [chunk, …]         a stream of exactly these bytes, then its end
//   noDone, doneTwice       ends without `[DONE]`, or with two
//   afterDone: [token, …]   said after `[DONE]`
//   errorEvent: n           after n tokens `data: {"error":…}` and the end
//   deaf: true              says all it has though nobody listens any more
import { setTimeout as delay } from 'node:timers/promises';
import { send } from './http.mjs';
import { Listener } from './listener.mjs';
import { until } from './wait.mjs';
import { word } from './upstream.mjs';

export const words = (n = 4) => Array.from({ length: n }, (_, i) => word(i));
/// A token as an event: its lines are lines of data.
export const event = (token) => `${token.split('\n').map((line) => `data: ${line}`).join('\n')}\n\n`;

export class PushWorker extends Listener {
  /// `daemonOf` gives the daemon at each heartbeat, so that one that was restarted is found again.
  constructor(daemonOf, { id, model, models = [model], capacity, tokens = words(), tokenDelayMs = 1, firstDelayMs = 0, heartbeatMs = 400, status = 'ready', always = {}, more = {}, headers = {}, keepAlive = true }) {
    super();
    Object.assign(this, { daemonOf, id, models, capacity, heartbeatMs, status, always, more, headers, keepAlive });
    this.defaults = { tokens, tokenDelayMs, firstDelayMs };
    Object.assign(this, { plan: [], requests: [], strays: [], jobs: new Map(), beats: 0, inFlight: 0, maxInFlight: 0, failures: [] });
  }

  get model() { return this.models[0]; }
  get prompts() { return this.requests.map((r) => r.body?.prompt); }

  /// Listens, announces itself, and goes on announcing itself.
  async start() {
    await this.listen();
    const answers = await this.beat();
    for (const r of answers) if (r.status !== 200) throw new Error(`heartbeat of ${this.id}: status ${r.status}, ${r.text}`);
    this.keepBeating();
    return this;
  }

  /// As `kill -9` of its process; after `refuse()` alone its heartbeats go on. `start()` brings it back on the same port.
  async kill() {
    this.silence();
    await this.refuse();
  }

  heartbeat(model = this.model, more = {}) {
    const worker = {
      id: this.id, model_id: model, device: 'cpu:0', host: '127.0.0.1', port: this.port, status: this.status, implementation: 'test-worker', version: '1.0.0',
      ...(this.capacity ? { capacity: this.capacity } : {}), ...this.more, ...more,
    };
    return { worker, timestamp: new Date().toISOString() };
  }

  /// One heartbeat for each of its models: the daemon's answers.
  async beat(more = {}) {
    const answers = [];
    for (const model of this.models) answers.push(await send(this.daemonOf().port, { path: '/v1/worker-heartbeat', body: this.heartbeat(model, more), headers: this.headers }));
    this.beats++;
    return answers;
  }
  keepBeating() {
    this.silence();
    // A daemon that is away is told again at the next turn.
    this.timer = setInterval(() => { this.beat().catch(() => {}); }, this.heartbeatMs);
  }
  silence() { clearInterval(this.timer); }

  /// Is `status` from now on, and has said so.
  async say(status) {
    this.status = status;
    return this.beat();
  }

  next(...behaviours) { this.plan.push(...behaviours); return this; }
  release() { for (const r of this.requests) r.release(); }

  /// The records that fit, once there are `count`.
  arrived(count = 1, fits = () => true, options = {}) {
    return until(`push worker ${this.id} was given ${count} job(s)`, () => {
      const seen = this.requests.filter(fits);
      return seen.length >= count ? seen : undefined;
    }, { ...options, seen: () => this.requests.map((r) => `${r.state} ${r.text.slice(0, 80)}`) });
  }
  ended(record, state, options = {}) {
    return until(`job ${record.job} of ${this.id} is ${state}`, () => record.state === state, { ...options, seen: () => [record.state, record.tokensSent] });
  }

  /// Its LLM of `model` as the daemon shows it, once it is there and `test` holds.
  llm(what = 'is listed', test = () => true, model = this.model) {
    let last;
    return until(`the LLM of ${this.id} (${model}, port ${this.port}) ${what}`, async () => {
      last = (await this.daemonOf().json('/api/v1/llms', this.headers)).llms.find((l) => l.model === model && l.url?.includes(`:${this.port}`));
      return last && test(last) ? last : undefined;
    }, { seen: () => last });
  }
  active() { return this.llm('is active', (l) => l.status === 'active'); }
  inactive() { return this.llm('is inactive', (l) => l.status === 'inactive'); }

  receive(req, res) {
    if (!this.keepAlive) res.shouldKeepAlive = false;
    const parts = [];
    req.on('data', (b) => parts.push(b));
    req.on('error', () => {});
    req.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const job = /^\/v1\/inference\/([^/]+)\/stream$/.exec(req.url)?.[1];
      const known = this.jobs.get(job);
      let work;
      if (req.method === 'POST' && req.url === '/v1/inference') work = this.take(this.record(req, text), req, res);
      else if (req.method === 'GET' && known) work = this.stream(known, req, res);
      else {
        this.strays.push(`${req.method} ${req.url}`);
        return json(res, 404, { error: 'there is nothing here' });
      }
      return work.catch((e) => { if (e.message !== 'gone') this.failures.push(e); });
    });
  }

  record(req, text) {
    let body;
    try { body = JSON.parse(text); } catch { body = undefined; }
    const record = {
      order: this.requests.length + 1, job: `${this.id}-j${this.requests.length + 1}`, at: Date.now(), headers: req.headers, rawHeaders: req.rawHeaders, text, body,
      state: 'open', streams: 0, tokensSent: 0, released: false, release: () => { record.released = true; },
      /// Its first end counts.
      close: (state) => {
        if (record.state !== 'open') return;
        record.state = state;
        record.endedAt = Date.now();
        this.inFlight--;
      },
    };
    this.requests.push(record);
    this.jobs.set(record.job, record);
    this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight);
    const told = this.plan.length ? this.plan.shift() : typeof this.always === 'function' ? this.always(record) : this.always;
    record.behaviour = { ...this.defaults, ...told };
    return record;
  }

  /// What both requests of a job share: noticing that the broker has gone, waiting to be released, breaking off.
  hands(record, req, res) {
    res.on('close', () => { if (!res.writableFinished) record.close('aborted'); });
    const alive = () => { if (record.state === 'aborted' && !record.behaviour.deaf) throw new Error('gone'); };
    return {
      alive,
      released: async () => { while (!record.released && (record.state !== 'aborted' || record.behaviour.deaf)) await delay(3); alive(); },
      cut: () => { record.close('cut'); req.socket.destroy(); },
    };
  }

  async take(record, req, res) {
    const b = record.behaviour;
    const { alive, released, cut } = this.hands(record, req, res);
    if (b.hold === 'post') await released();
    alive();
    if (b.cut === 'post') return cut();
    if (b.status !== undefined || b.body !== undefined) {
      record.close('refused');
      return json(res, b.status ?? 200, b.body ?? { error: `the worker says ${b.status}` }, b.headers);
    }
    return json(res, 200, { job_id: record.job, sse_url: b.sseUrl ?? `/v1/inference/${record.job}/stream` });
  }

  async stream(record, req, res) {
    const b = record.behaviour;
    const { alive, released, cut } = this.hands(record, req, res);
    record.streams++;
    record.streamHeaders = req.headers;
    if (b.firstDelayMs) await delay(b.firstDelayMs);
    if (b.hold === 'stream') await released();
    alive();
    if (b.cut === 'stream') return cut();
    if (b.streamStatus !== undefined) {
      record.close('refused');
      return json(res, b.streamStatus, b.streamBody ?? { error: `the stream says ${b.streamStatus}` }, b.streamHeaders);
    }
    res.writeHead(200, { 'content-type': b.contentType ?? 'text/event-stream', 'cache-control': 'no-cache' });
    res.flushHeaders();
    if (b.cut === 'head') { await delay(10); return cut(); }
    if (b.raw) {
      for (const bytes of b.raw) { res.write(bytes); await delay(b.tokenDelayMs); }
      if (b.stallAfter !== undefined) await released();
      record.close('done');
      return res.end();
    }
    for (const [i, token] of b.tokens.entries()) {
      if (b.stallAfter === i) await released();
      if (b.cut === i) { await delay(10); return cut(); }
      if (b.errorEvent === i) { res.write('data: {"error":"the card fell off"}\n\n'); record.close('done'); return res.end(); }
      alive();
      res.write(event(token));
      record.tokensSent++;
      await delay(b.tokenDelayMs);
    }
    if (b.stallAfter === b.tokens.length) await released();
    if (b.cut === b.tokens.length) { await delay(10); return cut(); }
    alive();
    // From here on the broker may leave: it has all it needs.
    record.close('done');
    if (!b.noDone) res.write('data: [DONE]\n\n');
    for (const token of b.afterDone ?? []) { await delay(b.tokenDelayMs); res.write(event(token)); }
    if (b.doneTwice) { await delay(b.tokenDelayMs); res.write('data: [DONE]\n\n'); }
    return res.end();
  }
}

function json(res, status, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

/// Push workers of one test file: made with `start`, all of them gone after `end`.
export class PushCrew {
  constructor(daemonOf) { Object.assign(this, { daemonOf, workers: [], names: 0 }); }

  /// A name that no other test of the file has.
  name(word_ = 'model') { return `${word_}-${++this.names}`; }

  hire(options = {}) {
    const worker = new PushWorker(this.daemonOf, { id: this.name('push'), ...options, ...(options.model || options.models ? {} : { model: this.name() }) });
    this.workers.push(worker);
    return worker;
  }
  /// Started, and in use by the daemon.
  async start(options) {
    const worker = await this.hire(options).start();
    if (worker.status === 'ready') await worker.active();
    return worker;
  }
  /// `count` of one model.
  async team(count, options = {}) {
    const model = options.model ?? this.name();
    const all = [];
    for (let i = 0; i < count; i++) all.push(await this.start({ ...options, model }));
    return all;
  }

  /// Ends them, and fails if one of them met something unforeseen.
  async end() {
    const workers = this.workers.splice(0);
    for (const w of workers) {
      w.silence();
      w.release();
      if (w.port && this.daemonOf()?.alive) await w.say('stopped').catch(() => {});
      await w.kill();
    }
    const failures = workers.flatMap((w) => w.failures);
    if (failures.length) throw failures[0];
  }
}
