// The broker's side of slots (docs/protocol.md, slots) as a script: one profile, a number of slots, leases that run out. It keeps
// what it saw in `calls` as {kind, id?, body, at, status}, and misbehaves when told:
//   script[kind]   one-shot answers for the next calls of that kind (take, renew, mark, release): {status, body} or {hang: true}
import { Listener } from './listener.mjs';
import { until } from './wait.mjs';

const error = (code, message = code) => ({ error: { message, type: 'invalid_request_error', code, param: null, request_id: 'r', source: 'broker' } });

export class MockSlots extends Listener {
  constructor({ slots = 1, leaseS = 30, inferenceS = 600, key } = {}) {
    super();
    Object.assign(this, { slots, leaseS, inferenceS, key, calls: [], held: new Map(), ended: new Map(), waiting: [], script: {}, nextId: 1 });
  }

  start() { return this.listen(); }
  receive(req, res) {
    const parts = [];
    req.on('data', (b) => parts.push(b));
    req.on('error', () => {});
    req.on('end', () => this.answer(req, res, Buffer.concat(parts).toString('utf8')));
  }
  async stop() {
    for (const slot of this.held.values()) clearTimeout(slot.timer);
    await this.refuse();
  }

  get base() { return `http://127.0.0.1:${this.port}`; }
  of(kind) { return this.calls.filter((c) => c.kind === kind); }
  saw(kind, count = 1, options = {}) {
    return until(`the broker saw ${count} ${kind}`, () => (this.of(kind).length >= count ? this.of(kind) : undefined), { ...options, seen: () => this.calls.map((c) => `${c.kind} ${c.status ?? '-'}`) });
  }

  /// Ends a slot as a lease that ran out does.
  take_back(id = this.held.keys().next().value, kind = 'lease_expired') { this.end(id, { status: 'error', error_kind: kind }); }

  end(id, row) {
    clearTimeout(this.held.get(id)?.timer);
    this.held.delete(id);
    this.ended.set(id, row);
    this.admit();
  }

  lease(id) {
    const slot = this.held.get(id);
    clearTimeout(slot.timer);
    const left = slot.until - Date.now();
    const ms = Math.min(slot.lease_s * 1000, left);
    slot.timer = setTimeout(() => this.take_back(id, ms === left ? 'inference_timeout' : 'lease_expired'), ms);
  }

  admit() {
    while (this.held.size < this.slots && this.waiting.length) {
      const { say, body, call } = this.waiting.shift();
      const id = `slot-${this.nextId++}`;
      const lease_s = body.lease_s ?? this.leaseS, inference_s = body.inference_s ?? this.inferenceS;
      this.held.set(id, { id, lease_s, until: Date.now() + inference_s * 1000, marks: [] });
      this.lease(id);
      call.id = id;
      say(201, { id, profile: body.profile, priority: body.priority ?? 'workflow', queue_wait_s: body.queue_wait_s ?? 60, inference_s, lease_s, admitted_at: new Date().toISOString(), queue_wait_ms: Date.now() - call.at });
    }
  }

  answer(req, res, text) {
    const [, id, verb] = /^\/api\/v1\/slots(?:\/([^/]+))?(?:\/(renew|mark))?$/.exec(req.url) ?? [];
    const kind = verb ?? { POST: 'take', DELETE: 'release' }[req.method];
    const call = { kind, id, text, body: text ? JSON.parse(text) : undefined, headers: req.headers, at: Date.now() };
    this.calls.push(call);
    const say = (status, o) => {
      call.status = status;
      res.writeHead(status, { 'content-type': 'application/json' });
      res.end(JSON.stringify(o));
    };
    const scripted = this.script[kind]?.shift();
    if (scripted?.hang) return undefined;
    if (scripted) return say(scripted.status, scripted.body);
    if (this.key && req.headers.authorization !== `Bearer ${this.key}`) return say(401, error('unauthorized', 'no such key'));
    if (kind === 'take') {
      const entry = { say, body: call.body, call };
      this.waiting.push(entry);
      res.on('close', () => {
        call.isGone = !res.writableFinished;
        this.waiting = this.waiting.filter((w) => w !== entry);
      });
      return this.admit();
    }
    const slot = this.held.get(id);
    if (!slot) return say(404, error('slot_not_found', `there is no slot ${id}`));
    if (kind === 'renew') { this.lease(id); return say(200, { id }); }
    if (kind === 'mark') { slot.marks.push(call.body.event); return say(200, { id }); }
    this.end(id, { status: 'ok', marks: slot.marks, ...call.body });
    return say(200, this.ended.get(id));
  }
}

export const startMockSlots = (options) => new MockSlots(options).start();
export const slotError = error;
