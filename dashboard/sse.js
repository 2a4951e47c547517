// Server-sent events over fetch (EventSource can send no key), and when to try again. Pure but for followEvents().

/// Takes text as it comes and gives whole events: {event, data, id}.
export class EventParser {
  constructor() { Object.assign(this, { rest: '', event: '', data: [], id: undefined, isFirst: true }); }

  push(text) {
    const events = [];
    this.rest += text;
    if (this.isFirst && this.rest) { this.isFirst = false; this.rest = this.rest.replace(/^\uFEFF/, ''); }
    // A CR at the end may be half of a CRLF.
    const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop();
    for (const line of lines) this.take(line, events);
    return events;
  }

  take(line, events) {
    if (line === '') {
      if (this.data.length) events.push({ event: this.event || 'message', data: this.data.join('\n'), id: this.id });
      this.event = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.event = value;
    else if (name === 'data') this.data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.id = value;
  }
}

/// Pauses that double up to a bound, with a fifth of chance so that pages do not come back all at once.
export class Backoff {
  constructor({ firstMs = 500, maxMs = 15_000, random = Math.random } = {}) {
    Object.assign(this, { firstMs, maxMs, random, tries: 0 });
  }
  next() {
    const whole = Math.min(this.maxMs, this.firstMs * 2 ** Math.min(this.tries++, 20));
    return Math.round(whole * (0.9 + 0.2 * this.random()));
  }
  reset() { this.tries = 0; }
}

/// Reads a stream to its end. Calls `opened()` once it is one and `heard(event)` for each event; `alive()` at every
/// byte, pings too. @returns {status}: what the answer was; 200 when the stream was one and has ended.
export async function followEvents(fetch_, url, { signal, headers = {}, opened = () => {}, heard, alive = () => {} }) {
  const response = await fetch_(url, { headers: { Accept: 'text/event-stream', ...headers }, signal });
  const isStream = (response.headers.get('Content-Type') ?? '').startsWith('text/event-stream');
  if (response.status !== 200 || !isStream || !response.body) {
    await response.body?.cancel();
    return { status: response.status === 200 ? 415 : response.status };
  }
  opened();
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { status: 200 };
    alive();
    for (const event of parser.push(decoder.decode(value, { stream: true }))) heard(event);
  }
}
