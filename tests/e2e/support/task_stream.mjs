// Readers of server-sent events that keep every event with its id as it comes: any stream (EventReader), a task's (TaskStream).
import http from 'node:http';
import { SOON, until, within } from './wait.mjs';

/// `ended` is undefined while open, then "clean" (a polite end), "cut", "aborted" (by us) or "refused" (no answer at all).
/// With `paused` nothing is read from the socket until `resume()`: a reader that is too slow.
export class EventReader {
  constructor(port, { path, headers = {}, paused = false, onEvent }) {
    Object.assign(this, { path, onEvent, status: 0, headers: {}, events: [], comments: 0, rest: '', text: '', paused });
    this.head = new Promise((r) => { this.gotHead = r; });
    this.done = new Promise((r) => { this.gotDone = r; });
    this.request = http.request({ host: '127.0.0.1', port, method: 'GET', path, headers: { Accept: 'text/event-stream', ...headers }, agent: false });
    this.request.on('response', (res) => {
      Object.assign(this, { response: res, status: res.statusCode, headers: res.headers });
      this.gotHead({ status: this.status, headers: this.headers });
      res.setEncoding('utf8');
      res.on('end', () => this.finish('clean'));
      res.on('error', () => this.finish(this.left ? 'aborted' : 'cut'));
      res.on('close', () => this.finish(res.complete ? 'clean' : this.left ? 'aborted' : 'cut'));
      if (!this.paused) this.resume();
    });
    this.request.on('error', () => this.finish(this.left ? 'aborted' : this.response ? 'cut' : 'refused'));
    this.request.end();
  }

  resume() {
    this.paused = false;
    this.response.on('data', (text) => this.take(text));
  }

  take(text) {
    if (!/^text\/event-stream/.test(this.headers['content-type'] ?? '')) { this.text += text; return; }
    this.rest += text;
    for (let end = this.rest.indexOf('\n\n'); end >= 0; end = this.rest.indexOf('\n\n')) {
      const block = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + 2);
      this.block(block);
    }
  }

  block(block) {
    const event = { event: 'message', id: undefined, data: undefined, at: Date.now() };
    for (const line of block.split('\n')) {
      const at = line.indexOf(':');
      if (at === 0) { this.comments++; continue; }
      const name = at < 0 ? line : line.slice(0, at);
      const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
      event[name] = name === 'data' && event.data !== undefined ? `${event.data}\n${value}` : value;
    }
    if (event.data === undefined) return;
    this.events.push(event);
    this.onEvent?.(event);
  }

  finish(how) {
    if (this.ended) return;
    this.ended = how;
    this.gotHead({ status: this.status, headers: this.headers });
    this.gotDone(how);
  }

  /// The body as JSON, for an answer that is no stream.
  get json() { try { return JSON.parse(this.text); } catch { return undefined; } }

  /// Goes away without a word.
  abort() {
    this.left = true;
    this.request.destroy();
  }

  /// The first `count` events that fit, once they are there.
  when(what, fits, { count = 1, ms = SOON } = {}) {
    return until(`${this.path}: ${what}`, () => {
      const seen = this.events.filter(fits);
      return seen.length >= count ? seen.slice(0, count) : undefined;
    }, { within: ms, seen: () => ({ status: this.status, ended: this.ended, text: this.text.slice(0, 300), events: this.events.slice(-12).map((e) => `${e.id} ${e.event} ${e.data.slice(0, 80)}`) }) });
  }

  /// How it ended, once it did.
  end(ms = SOON) {
    return until(`${this.path} ends`, () => this.ended, { within: ms, seen: () => this.events.slice(-5).map((e) => `${e.id} ${e.event} ${e.data.slice(0, 80)}`) });
  }
}

/// What a chat chunk says.
export const said = (data) => {
  const choice = JSON.parse(data).choices?.[0];
  return choice?.delta?.content ?? choice?.text ?? '';
};

/// `GET /api/v1/inference-tasks/{id}/stream`.
export class TaskStream extends EventReader {
  constructor(port, id, { lastEventId, headers = {}, ...options } = {}) {
    super(port, { path: `/api/v1/inference-tasks/${id}/stream`, headers: { ...headers, ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }) }, ...options });
    this.task = id;
  }

  of(name) { return this.events.filter((e) => e.event === name); }
  get chunks() { return this.of('chunk').map((e) => e.data); }
  get statuses() { return this.of('status').map((e) => JSON.parse(e.data).status); }
  get terminal() { const [e] = this.of('terminal'); return e && JSON.parse(e.data); }
  get resets() { return this.of('reset').length; }

  /// The text of the attempt that is under way: a reset makes what came before void.
  get spoken() {
    let text = '';
    for (const e of this.events) {
      if (e.event === 'reset') text = '';
      if (e.event === 'chunk' && e.data !== '[DONE]') text += said(e.data);
    }
    return text;
  }

  chunksWhen(count, options) { return this.when(`${count} chunk(s)`, (e) => e.event === 'chunk', { count, ...options }); }

  /// The row of the terminal event, once the stream has closed after it.
  async ending(ms = 10_000) {
    await this.when('terminal', (e) => e.event === 'terminal', { ms });
    await this.end(ms);
    return this.terminal;
  }
}

/// Opens it and waits for its head.
export async function followTask(daemon, id, options) {
  const stream = new TaskStream(daemon.port, id, options);
  await within(`${stream.path} has answered`, stream.head);
  return stream;
}
