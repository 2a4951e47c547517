// A plain HTTP client for tests: one connection per call, every byte and header kept, no retry, no redirect, a call can be
// abandoned at any time. The official client is used elsewhere; this one shows what is on the wire.
import http from 'node:http';
import net from 'node:net';
import { within } from './wait.mjs';

/// A call that is under way. `head` resolves with {status, headers}, `done` with the whole result. Neither ever rejects:
/// `ended` tells how it went ("clean", "cut" = the server broke it off, "refused" = no answer at all, "aborted" = by us).
export class Call {
  constructor(port, { method = 'POST', path, headers = {}, body, host = '127.0.0.1' }) {
    this.startedAt = Date.now();
    this.chunks = [];
    this.chunkTimes = [];
    this.head = new Promise((r) => { this.gotHead = r; });
    this.firstByte = new Promise((r) => { this.gotFirst = r; });
    this.done = new Promise((r) => { this.gotDone = r; });
    const payload = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const sent = { ...headers };
    const has = (name) => Object.keys(sent).some((k) => k.toLowerCase() === name);
    if (payload !== undefined) {
      if (!has('content-type')) sent['Content-Type'] = 'application/json';
      if (!has('content-length') && !has('transfer-encoding')) sent['Content-Length'] = payload.length;
    }
    for (const k of Object.keys(sent)) if (sent[k] === null) delete sent[k];      // null = do not send at all
    this.request = http.request({ host, port, method, path, headers: sent, agent: false });
    this.request.on('response', (res) => {
      this.response = res;
      this.headAt = Date.now();
      this.gotHead({ status: res.statusCode, headers: res.headers });
      res.on('data', (b) => {
        this.chunks.push(b);
        this.chunkTimes.push(Date.now());
        this.gotFirst(b);
      });
      res.on('end', () => this.finish('clean'));
      res.on('error', () => this.finish(this.left ? 'aborted' : 'cut'));
      res.on('close', () => this.finish(res.complete ? 'clean' : this.left ? 'aborted' : 'cut'));
    });
    this.request.on('error', (e) => {
      this.error = e;
      this.finish(this.left ? 'aborted' : this.response ? 'cut' : 'refused');
    });
    this.request.end(payload);
  }

  finish(ended) {
    if (this.ended) return;
    this.ended = ended;
    this.endedAt = Date.now();
    const result = this.result();
    this.gotHead({ status: result.status, headers: result.headers });
    this.gotFirst(undefined);
    this.gotDone(result);
  }

  /// What has come so far.
  get text() { return Buffer.concat(this.chunks).toString('utf8'); }

  result() {
    const text = this.text;
    let json;
    try { json = JSON.parse(text); } catch { json = undefined; }
    return {
      status: this.response?.statusCode ?? 0, headers: this.response?.headers ?? {}, rawHeaders: this.response?.rawHeaders ?? [],
      text, bytes: Buffer.concat(this.chunks), json, ended: this.ended, error: this.error,
      tookMs: this.endedAt - this.startedAt, startedAt: this.startedAt, endedAt: this.endedAt, headAt: this.headAt,
    };
  }

  /// The caller goes away: the connection is closed without another word.
  abort() {
    this.left = true;
    this.request.destroy();
  }
}

export const open = (port, options) => new Call(port, options);

/// The whole result of a call, whatever the status; fails when the connection broke or nothing came in time.
export async function send(port, options, ms = 30_000) {
  const call = open(port, options);
  const result = await within(`${options.method ?? 'POST'} ${options.path} answered`, call.done, ms).catch((e) => {
    call.abort();
    throw e;
  });
  if (result.ended !== 'clean') {
    throw new Error(`${options.method ?? 'POST'} ${options.path}: connection ${result.ended} (${result.error?.message}); status ${result.status}, body ${result.text.slice(0, 300)}`);
  }
  return result;
}

/// SSE text as a list of {event, data, id, comment}; an unfinished last block is left out.
export function events(text) {
  const out = [];
  for (const block of text.split(/\r?\n\r?\n/).slice(0, -1)) {
    const e = {};
    for (const line of block.split(/\r?\n/)) {
      if (line.startsWith(':')) { e.comment = line.slice(1).trim(); continue; }
      const at = line.indexOf(':');
      const name = at < 0 ? line : line.slice(0, at);
      const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
      e[name] = name === 'data' && e.data !== undefined ? `${e.data}\n${value}` : value;
    }
    out.push(e);
  }
  return out;
}

/// The parsed data of each event but `[DONE]`.
export const payloads = (text) => events(text).filter((e) => e.data !== undefined && e.data !== '[DONE]').map((e) => JSON.parse(e.data));
export const isDone = (text) => events(text).some((e) => e.data === '[DONE]');
/// The text a chat or completion stream spelled out.
export const spoken = (text) => payloads(text).map((p) => p.choices?.[0]?.delta?.content ?? p.choices?.[0]?.text ?? '').join('');
/// The error object of an error event, if there is one.
export const streamError = (text) => payloads(text).find((p) => p.error)?.error;

/// Writes bytes on a bare socket and gives back all that comes until the peer closes, or is quiet, or `ms` have passed.
/// `answers`: stop once that many responses with their bodies are there.
export function wire(port, parts, { ms = 8000, answers = 1, end = false, host = '127.0.0.1' } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    const chunks = [];
    let closed = false;
    const stop = (how) => {
      if (closed) return;
      closed = true;
      clearTimeout(timer);
      socket.destroy();
      const bytes = Buffer.concat(chunks);
      resolve({ how, bytes, text: bytes.toString('latin1'), responses: parseResponses(bytes) });
    };
    const timer = setTimeout(() => stop('timeout'), ms);
    socket.on('data', (b) => {
      chunks.push(b);
      if (answers && parseResponses(Buffer.concat(chunks)).filter((r) => r.complete).length >= answers) stop('answered');
    });
    socket.on('end', () => stop('closed'));
    socket.on('close', () => stop('closed'));
    socket.on('error', () => stop('reset'));
    socket.on('connect', () => {
      for (const p of [parts].flat()) socket.write(Buffer.isBuffer(p) ? p : Buffer.from(p, 'latin1'));
      if (end) socket.end();
    });
  });
}

/// Every HTTP/1.x response in `bytes`: {status, headers, body, json, complete}.
export function parseResponses(bytes) {
  const out = [];
  let at = 0;
  while (at < bytes.length) {
    const headEnd = bytes.indexOf('\r\n\r\n', at);
    if (headEnd < 0) break;
    const lines = bytes.subarray(at, headEnd).toString('latin1').split('\r\n');
    const status = +(/^HTTP\/1\.[01] (\d{3})/.exec(lines[0])?.[1] ?? 0);
    if (!status) break;
    const headers = {};
    for (const line of lines.slice(1)) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
    let body;
    let complete = true;
    let next = headEnd + 4;
    if (status < 200 || status === 204) {
      body = Buffer.alloc(0);
    } else if (/chunked/i.test(headers['transfer-encoding'] ?? '')) {
      const parts = [];
      complete = false;
      for (;;) {
        const lineEnd = bytes.indexOf('\r\n', next);
        if (lineEnd < 0) break;
        const size = parseInt(bytes.subarray(next, lineEnd).toString('latin1'), 16);
        if (!(size >= 0) || bytes.length < lineEnd + 2 + size + 2) break;
        parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
        next = lineEnd + 2 + size + 2;
        if (size === 0) { complete = true; break; }
      }
      body = Buffer.concat(parts);
    } else {
      const length = headers['content-length'] === undefined ? bytes.length - next : +headers['content-length'];
      complete = headers['content-length'] !== undefined && bytes.length >= next + length;
      body = bytes.subarray(next, next + length);
      next += length;
    }
    let json;
    try { json = JSON.parse(body.toString('utf8')); } catch { json = undefined; }
    if (status >= 200) out.push({ status, headers, body: body.toString('utf8'), json, complete });
    at = next;
    if (!complete) break;
  }
  return out;
}
