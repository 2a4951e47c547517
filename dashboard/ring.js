// What the page remembers: call rows of the last minutes, bounded in time and in number, and what the charts show of
// them. Pure.
import { instant } from './format.js';
import { PRIORITIES, priorityRank } from './sort.js';

export const isLive = (row) => row.status === 'queued' || row.status === 'running';
export const isRejected = (row) => row.status === 'queue_full' || row.status === 'queue_wait_timeout';

export class CallRing {
  constructor({ spanMs = 900_000, max = 5000 } = {}) {
    Object.assign(this, { spanMs, max, rows: new Map() });
  }

  /// An older answer that comes late makes no finished row live again, and puts no running one back into the line. (One
  /// that really goes back there keeps the time of its admission.)
  put(row) {
    const had = this.rows.get(row.id);
    if (had && !isLive(had) && isLive(row)) return;
    if (had?.status === 'running' && row.status === 'queued' && !row.admitted_at) return;
    this.rows.set(row.id, row);
  }
  putAll(rows) { for (const row of rows) this.put(row); }
  /// Those of `ids` that are still live here are over, and nobody said how.
  forgetLive(ids) {
    for (const id of ids) if (this.rows.has(id) && isLive(this.rows.get(id))) this.rows.delete(id);
  }

  /// Lets go what is too old, then the oldest of what is too many; never what is live.
  trim(now) {
    for (const [id, row] of this.rows) if (!isLive(row) && (instant(row.finished_at) ?? 0) < now - this.spanMs) this.rows.delete(id);
    if (this.rows.size <= this.max) return;
    for (const [id, row] of this.rows) {
      if (this.rows.size <= this.max) return;
      if (!isLive(row)) this.rows.delete(id);
    }
  }

  all() { return [...this.rows.values()]; }
  live() { return this.all().filter(isLive); }
  /// Where to ask from, so that nothing that may still change is missed: RFC 3339 or undefined.
  askFrom() {
    let oldest, newest;
    for (const row of this.rows.values()) {
      if (isLive(row) && (oldest === undefined || row.queued_at < oldest)) oldest = row.queued_at;
      if (newest === undefined || row.queued_at > newest) newest = row.queued_at;
    }
    return oldest ?? newest;
  }
}

/// Waiting rows in the order of admission, each with its place in its profile's line (1 = next).
export function withPositions(rows) {
  const lines = new Map();
  const waiting = rows.filter((row) => row.status === 'queued')
    .sort((a, b) => priorityRank(a.priority) - priorityRank(b.priority) || (a.queued_at < b.queued_at ? -1 : a.queued_at > b.queued_at ? 1 : 0) || (a.id < b.id ? -1 : 1));
  return waiting.map((row) => {
    const position = (lines.get(row.profile) ?? 0) + 1;
    lines.set(row.profile, position);
    return { ...row, position };
  });
}

export function quantile(values, q) {
  if (!values.length) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)];
}
const mean = (values) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : null);

/// The charts' series over the last `spanMs`, in steps of `stepMs` that lie on whole multiples of it, so that a column
/// does not change its past. @returns {times, wait: {class: [ms]}, first: {median, p95}, finished, tokens, admitted, rejected}
export function series(rows, now, { spanMs = 900_000, stepMs = 15_000 } = {}) {
  const steps = Math.round(spanMs / stepMs);
  const end = (Math.floor(now / stepMs) + 1) * stepMs;
  const begin = end - steps * stepMs;
  const times = Array.from({ length: steps }, (_, i) => begin + i * stepMs);
  const lists = () => Array.from({ length: steps }, () => []);
  const zeros = () => Array.from({ length: steps }, () => 0);
  const place = (text) => {
    const at = instant(text);
    if (at === undefined || at < begin || at >= end) return -1;
    return Math.floor((at - begin) / stepMs);
  };
  const waits = Object.fromEntries(PRIORITIES.map((p) => [p, lists()]));
  const firsts = lists(), finished = zeros(), tokens = zeros(), admitted = zeros(), rejected = zeros();
  let knowsTokens = false;
  for (const row of rows) {
    const admission = place(row.admitted_at);
    if (admission >= 0) {
      admitted[admission]++;
      if (typeof row.queue_wait_ms === 'number') waits[row.priority]?.[admission].push(row.queue_wait_ms);
    }
    const first = place(row.first_token_at);
    if (first >= 0 && row.admitted_at) firsts[first].push(instant(row.first_token_at) - instant(row.admitted_at));
    const end_ = place(row.finished_at);
    if (end_ < 0) continue;
    if (isRejected(row)) rejected[end_]++;
    else finished[end_]++;
    const out = tokensOut(row);
    if (out !== null) { knowsTokens = true; tokens[end_] += out; }
  }
  const perSecond = (list) => list.map((n) => n / (stepMs / 1000));
  return {
    times, admitted, rejected,
    wait: Object.fromEntries(PRIORITIES.map((p) => [p, waits[p].map(mean)])),
    first: { median: firsts.map((l) => quantile(l, 0.5)), p95: firsts.map((l) => quantile(l, 0.95)) },
    finished: perSecond(finished),
    tokens: knowsTokens ? perSecond(tokens) : null,
  };
}

/// The backend's count of tokens that came out, or null: rows do not all have it.
export function tokensOut(row) {
  const n = row.tokens_out ?? row.completion_tokens ?? row.tokens;
  return typeof n === 'number' ? n : null;
}
