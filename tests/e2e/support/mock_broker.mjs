// The broker's side of the worker contract (docs/protocol.md, workers) as a script: it registers, binds, hands out what a test
// gives it, keeps every call it saw, and misbehaves when told. Real sockets, so that a restart is a restart.
//
// `script[kind]` holds one-shot answers for the next calls of that kind (register, bind, heartbeat, chunk, result, drain, delete):
//   {status, body}   this answer; for chunks and results nothing else happens
//   {cut: true}      the connection is broken without an answer; the call is not acted on
//   {hold: f}        answered as usual, once the promise f() has resolved
import { Listener } from './listener.mjs';
import { until } from './wait.mjs';

const error = (code, message = code) => ({ error: { message, type: 'invalid_request_error', code, param: null, request_id: 'r', source: 'broker' } });

export class MockBroker extends Listener {
  constructor({ heartbeatS = 30, key } = {}) {
    super();
    Object.assign(this, { heartbeatS, key, calls: [], script: {}, sessions: new Map(), nextId: 1 });
    this.tasks = new Map();
  }

  start() { return this.listen(); }

  async stop() {
    if (!this.up) return;
    await this.refuse();
    for (const session of this.sessions.values()) session.stream = undefined;
  }

  /// All sessions are unknown from now on.
  forget() { for (const s of this.sessions.values()) s.stream?.end(); this.sessions.clear(); for (const t of this.tasks.values()) t.session = undefined; }

  of(kind, fits = () => true) { return this.calls.filter((c) => c.kind === kind && fits(c)); }
  /// The calls of that kind once there are `count` of them.
  saw(kind, count = 1, fits = () => true, options = {}) {
    return until(`the broker saw ${count} ${kind}`, () => {
      const calls = this.of(kind, fits);
      return calls.length >= count ? calls : undefined;
    }, { ...options, seen: () => this.calls.map((c) => `${c.kind} ${c.task ?? ''} ${c.status ?? '-'} ${c.text.slice(0, 80)}`) });
  }
  /// The one session, once it is bound.
  bound(options) {
    return until('a worker is bound', () => [...this.sessions.values()].find((s) => s.stream), { ...options, seen: () => this.calls.map((c) => `${c.kind} ${c.status}`) });
  }
  result(task) { return this.saw('result', 1, (c) => c.task === task && c.status === 200).then((calls) => calls[0]); }
  /// The `data` strings that were accepted for a task.
  chunks(task) { return this.of('chunk', (c) => c.task === task && c.status === 200).flatMap((c) => c.body.chunks ?? [c.body.data]); }

  event(name, data, { retry } = {}) {
    const session = [...this.sessions.values()].find((s) => s.stream);
    session.stream.write(`event: ${name}\n${retry === undefined ? '' : `retry: ${retry}\n`}data: ${JSON.stringify(data)}\n\n`);
  }
  infer({ task = `task-${this.nextId++}`, kind = 'chat', streaming = false, attempt = 1, request, model = 'model-a' } = {}) {
    const session = [...this.sessions.values()].find((s) => s.stream);
    const frame = { task, llm: session.llms[0].name, model, kind, request: request ?? { model: 'x', messages: [{ role: 'user', content: 'hi' }], ...(streaming ? { stream: true } : {}) }, streaming, inference_s: 120, attempt };
    this.tasks.set(task, { session: session.id, frame, done: false });
    this.event('infer', frame);
    return task;
  }
  cancel(task) { this.tasks.get(task).session = undefined; this.event('cancel', { task }); }

  receive(req, res) {
    const parts = [];
    req.on('data', (b) => parts.push(b));
    req.on('error', () => {});
    req.on('end', () => this.answer(req, res, Buffer.concat(parts).toString('utf8')).catch(() => res.destroy()));
  }

  async answer(req, res, text) {
    const [, session, rest = ''] = /^\/api\/v1\/workers(?:\/([^/?]+)(\/[^?]*)?)?$/.exec(req.url) ?? [];
    const [, task, verb] = /^\/tasks\/([^/]+)\/(chunk|result)$/.exec(rest) ?? [];
    const kind = verb ?? { 'POST ': 'register', 'GET /stream': 'bind', 'POST /heartbeat': 'heartbeat', 'POST /drain': 'drain', 'DELETE ': 'delete' }[`${req.method} ${rest}`];
    let body;
    try { body = JSON.parse(text); } catch { body = undefined; }
    const call = { kind, session, task, text, body, headers: req.headers, at: Date.now() };
    this.calls.push(call);
    const scripted = this.script[kind]?.shift();
    if (scripted?.cut) return req.socket.destroy();
    if (scripted?.hold) await scripted.hold();
    const say = (status, o) => {
      call.status = status;
      const out = JSON.stringify(o);
      res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(out) });
      res.end(out);
    };
    if (scripted?.status) return say(scripted.status, scripted.body ?? error(scripted.code ?? 'scripted'));
    if (this.key && req.headers.authorization !== `Bearer ${this.key}`) return say(401, error('unauthorized', 'no such key'));
    if (!kind) return say(404, error('not_found'));
    if (kind === 'register') return this.register(body, say);
    const known = this.sessions.get(session);
    if (!known) return say(404, error('session_not_found'));
    if (kind === 'bind') { call.status = 200; return this.bind(known, res); }
    if (kind === 'heartbeat') return say(200, { session, heartbeat_interval_s: this.heartbeatS });
    if (kind === 'drain') { say(200, { session }); return known.stream?.write('event: drain\ndata: {}\n\n'); }
    if (kind === 'delete') { say(200, { session }); known.stream?.end(); return this.sessions.delete(session); }
    return this.take(known, call, say);
  }

  register(body, say) {
    const id = body.session ?? `session-${this.nextId++}`;
    const old = this.sessions.get(id);
    this.sessions.set(id, { id, llms: body.llms, stream: old?.stream });
    say(201, { session: id, llms: body.llms });
  }

  bind(session, res) {
    session.stream?.end();
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    res.write(': ping\n\n');
    session.stream = res;
    res.on('close', () => { if (session.stream === res) session.stream = undefined; });
    for (const task of this.tasks.values()) {
      if (task.done || task.session !== session.id) continue;
      task.frame.attempt++;
      res.write(`event: infer\ndata: ${JSON.stringify(task.frame)}\n\n`);
    }
  }

  take(session, call, say) {
    const task = this.tasks.get(call.task);
    if (!task) return say(call.task.startsWith('wake') ? 200 : 409, call.task.startsWith('wake') ? {} : error('stale_claim'));
    const isStale = task.session !== session.id || (call.body.attempt !== undefined && call.body.attempt !== task.frame.attempt);
    if (isStale) return say(409, error('stale_claim'));
    if (call.kind === 'chunk') return say(200, {});
    if (task.done) return say(200, { duplicate: true });
    task.done = true;
    return say(200, {});
  }
}

export const startMockBroker = (options) => new MockBroker(options).start();
