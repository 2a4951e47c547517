// A scriptable OpenAI-compatible server that stands where an LLM server would: it answers, is slow, stalls, refuses, breaks off,
// answers errors, forgets `[DONE]`, exactly as told; and it keeps every request it saw, byte for byte, with how it ended.
//
// What a request gets is decided when it arrives: the first of `plan` (one-shot), else `always`. A behaviour:
//   tokens, tokenDelayMs, firstDelayMs   the answer's length and pace (defaults: the server's)
//   hold: true          before the first byte, until `record.release()` or `up.release()`
//   stallAfter: n       after n tokens, until released
//   status, body, headers   an error (or any) answer, at once
//   cut: "head"|"body"|n    break the connection before the head, after the head, or after n tokens
//   noDone: true        end the stream politely without `[DONE]`
//   errorEvent: n       after n tokens `data: {"error":…}` and the end
//   raw: [chunk, …]     a stream of exactly these bytes
//
// With keepAlive false every answer closes its connection, so that a break is never mistaken for an idle connection gone stale
// (which a client may try again by itself).
import { setTimeout as delay } from 'node:timers/promises';
import { Listener } from './listener.mjs';
import { until } from './wait.mjs';

export const word = (i) => ['alpha ', 'bravo ', 'charlie ', 'delta ', 'echo '][i % 5];
export const sentence = (n) => Array.from({ length: n }, (_, i) => word(i)).join('');

export class Upstream extends Listener {
  constructor({ models = ['model-a'], tokens = 4, tokenDelayMs = 2, firstDelayMs = 0, name = 'upstream', keepAlive = true } = {}) {
    super();
    Object.assign(this, { models, name, keepAlive });
    this.defaults = { tokens, tokenDelayMs, firstDelayMs };
    this.requests = [];
    this.probes = 0;
    this.plan = [];
    this.always = {};
    this.inFlight = 0;
    this.maxInFlight = 0;
    this.clock = 0;
  }

  start() { return this.listen(); }
  stop() { return this.refuse(); }

  /// One-shot behaviours for the next requests.
  next(...behaviours) { this.plan.push(...behaviours); return this; }

  /// Lets go of every request that is held or stalled.
  release() { for (const r of this.requests) r.release(); }

  /// Forgets plans and records, and ends what is open.
  async reset() {
    this.plan = [];
    this.always = {};
    this.release();
    await until(`${this.name} has nothing open`, () => this.inFlight === 0, { within: 10_000, seen: () => this.requests.filter((r) => r.state === 'open').map((r) => r.text) });
    this.requests = [];
    this.maxInFlight = 0;
  }

  /// The records once there are at least `count` that fit.
  arrived(count = 1, fits = () => true, options = {}) {
    return until(`${this.name} saw ${count} request(s)`, () => {
      const seen = this.requests.filter(fits);
      return seen.length >= count ? seen : undefined;
    }, { ...options, seen: () => `${this.requests.length} requests` });
  }

  receive(req, res) {
    if (!this.keepAlive) res.shouldKeepAlive = false;
    const parts = [];
    req.on('data', (b) => parts.push(b));
    req.on('error', () => {});
    req.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const path = req.url.split('?')[0];
      if (req.method === 'GET') return this.probe(path, res);
      const record = this.record(req, res, path, text);
      this.answer(record, res).catch((e) => {
        if (e.message !== 'gone') record.failure = e;
      }).finally(() => record.close());
    });
  }

  probe(path, res) {
    this.probes++;
    if (path.endsWith('/models')) return json(res, 200, { object: 'list', data: this.models.map((id) => ({ id, object: 'model', created: 1, owned_by: 'test' })) });
    if (path === '/health' || path === '/v1/health') return json(res, 200, { status: 'ok' });
    if (path === '/') { res.writeHead(200, { 'content-type': 'text/plain' }); return res.end('up'); }
    return json(res, 404, { error: { message: 'File Not Found', type: 'not_found_error', code: 404 } });
  }

  record(req, res, path, text) {
    let body;
    try { body = JSON.parse(text); } catch { body = undefined; }
    const record = {
      order: ++this.clock, at: Date.now(), method: req.method, path, headers: req.headers, rawHeaders: req.rawHeaders, text, body,
      socket: req.socket, state: 'open', tokensSent: 0, sent: [], released: false, abortedAt: undefined,
      release: () => { record.released = true; },
      close: () => {
        if (record.state === 'open') record.state = 'done';
        if (!record.closed) { record.closed = true; record.endedAt = Date.now(); this.inFlight--; }
      },
    };
    res.on('close', () => {
      if (!res.writableFinished && !record.cutByUs && record.state === 'open') {
        record.state = 'aborted';
        record.abortedAt = Date.now();
        record.close();
      }
    });
    this.inFlight++;
    // A client that hung up before it made this request has closed another connection, which may be looked at after this one.
    setImmediate(() => setImmediate(() => { this.maxInFlight = Math.max(this.maxInFlight, this.inFlight); }));
    this.requests.push(record);
    return record;
  }

  async answer(record, res) {
    const b = { ...this.defaults, ...(this.plan.length ? this.plan.shift() : typeof this.always === 'function' ? this.always(record) : this.always) };
    record.behaviour = b;
    const gone = () => record.state === 'aborted';
    const alive = () => { if (gone()) throw new Error('gone'); };
    const released = async () => { while (!record.released && !gone()) await delay(5); alive(); };
    const cut = () => { record.cutByUs = true; record.state = 'cut'; record.socket.destroy(); };
    if (b.firstDelayMs) await delay(b.firstDelayMs);
    if (b.hold) await released();
    alive();
    if (b.cut === 'head') return cut();
    if (b.status) return json(res, b.status, b.body ?? { error: { message: `the backend says ${b.status}`, type: 'backend_type', code: b.status } }, b.headers);
    if (b.raw) return this.sendRaw(record, res, b);
    if (record.path.endsWith('/embeddings')) return json(res, 200, embeddingBody(record.body, this));
    if (record.path === '/api/v1/chat') return json(res, 200, { model_instance_id: record.body?.model, output: [{ type: 'message', content: sentence(b.tokens) }], stats: {} });
    const chat = record.path.endsWith('/chat/completions');
    if (!chat && !record.path.endsWith('/completions')) return json(res, 404, { error: { message: 'no such route', type: 'not_found_error', code: 404 } });
    const limit = Math.min(b.tokens, record.body?.max_tokens ?? record.body?.max_completion_tokens ?? b.tokens);
    return record.body?.stream ? this.stream(record, res, b, chat, limit, { alive, released, cut }) : this.plain(record, res, b, chat, limit, { alive, released, cut });
  }

  async sendRaw(record, res, b) {
    res.writeHead(200, { 'content-type': b.contentType ?? 'text/event-stream' });
    for (const chunk of b.raw) {
      record.sent.push(Buffer.from(chunk));
      res.write(chunk);
      await delay(b.tokenDelayMs);
    }
    if (b.cut === 'body') { record.cutByUs = true; return record.socket.destroy(); }
    return res.end();
  }

  async plain(record, res, b, chat, limit, { alive, released, cut }) {
    if (b.cut === 'body') {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 5000 });
      res.write('{"id":"chatcmpl-half","object":');
      await delay(20);
      return cut();
    }
    for (let i = 0; i < limit; i++) {
      if (b.stallAfter === i) await released();
      if (b.cut === i) return cut();
      await delay(b.tokenDelayMs);
      alive();
      record.tokensSent++;
    }
    const id = `${chat ? 'chatcmpl' : 'cmpl'}-${this.name}-${record.order}`;
    const choice = chat ? { index: 0, message: { role: 'assistant', content: sentence(limit) }, finish_reason: 'length' } : { index: 0, text: sentence(limit), finish_reason: 'length', logprobs: null };
    const body = { id, object: chat ? 'chat.completion' : 'text_completion', created: 1700000000, model: record.body.model, choices: [choice], usage: { prompt_tokens: 3, completion_tokens: limit, total_tokens: limit + 3 } };
    record.answered = JSON.stringify(body);
    return json(res, b.okStatus ?? 200, body, b.headers);
  }

  async stream(record, res, b, chat, limit, { alive, released, cut }) {
    const base = { id: `${chat ? 'chatcmpl' : 'cmpl'}-${this.name}-${record.order}`, object: chat ? 'chat.completion.chunk' : 'text_completion', created: 1700000000, model: record.body.model };
    const write = (o) => {
      const text = typeof o === 'string' ? o : `data: ${JSON.stringify(o)}\n\n`;
      record.sent.push(Buffer.from(text));
      res.write(text);
    };
    const piece = (i) => ({ ...base, choices: [chat ? { index: 0, delta: { content: word(i) }, finish_reason: null } : { index: 0, text: word(i), finish_reason: null }] });
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...b.headers });
    if (b.cut === 'body') { res.flushHeaders(); await delay(20); return cut(); }
    for (let i = 0; i < limit; i++) {
      if (b.stallAfter === i) { res.flushHeaders(); await released(); }
      if (b.cut === i) { await delay(10); return cut(); }
      if (b.errorEvent === i) { write({ error: { message: 'the backend broke', type: 'server_error', code: 500 } }); return res.end(); }
      if (i === 0 && chat) write(`data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta: { role: 'assistant', content: null }, finish_reason: null }] })}\n\n${`data: ${JSON.stringify(piece(0))}\n\n`}`);
      else write(piece(i));
      record.tokensSent++;
      record.firstTokenAt ??= Date.now();
      await delay(b.tokenDelayMs);
      alive();
    }
    if (b.cut === limit) { await delay(10); return cut(); }
    if (b.noDone) return res.end();
    write({ ...base, choices: [chat ? { index: 0, delta: {}, finish_reason: 'length' } : { index: 0, text: '', finish_reason: 'length' }] });
    if (record.body.stream_options?.include_usage) write({ ...base, choices: [], usage: { prompt_tokens: 3, completion_tokens: limit, total_tokens: limit + 3 } });
    write('data: [DONE]\n\n');
    return res.end();
  }
}

function json(res, status, body, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

function embeddingBody(body, up) {
  const input = Array.isArray(body?.input) && typeof body.input[0] !== 'number' ? body.input : [body?.input];
  return {
    object: 'list', model: body?.model, data: input.map((x, index) => ({ object: 'embedding', index, embedding: [String(x).length, up.models.length, index + 0.5] })),
    usage: { prompt_tokens: input.length, total_tokens: input.length },
  };
}

export const startUpstream = (options) => new Upstream(options).start();
