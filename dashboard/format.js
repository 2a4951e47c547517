// How values are shown. Pure; null and undefined are "not known" and shown as a dash.

export const NONE = '–';
const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/// Milliseconds as the reader wants them: 8 ms, 340 ms, 2.4 s, 1 m 05 s, 3 h 12 m, 4 d 03 h.
export function duration(ms) {
  if (!known(ms)) return NONE;
  const value = Math.max(0, ms);
  if (value < 999.5) return `${Math.round(value)} ms`;
  if (value < 9950) return `${(value / 1000).toFixed(1)} s`;
  const s = Math.round(value / 1000);
  const two = (n) => String(n).padStart(2, '0');
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${two(s % 60)} s`;
  const m = Math.floor(s / 60);
  if (m < 1440) return `${Math.floor(m / 60)} h ${two(m % 60)} m`;
  const h = Math.floor(m / 60);
  return `${Math.floor(h / 24)} d ${two(h % 24)} h`;
}
export const seconds = (s) => (known(s) ? duration(s * 1000) : NONE);

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
export const count = (n) => (known(n) ? grouped.format(n) : NONE);

/// Per second, with as many digits as say something.
export function rate(n) {
  if (!known(n)) return NONE;
  if (n === 0) return '0';
  if (n < 10) return n.toFixed(n < 1 ? 2 : 1);
  return grouped.format(n);
}

/// RFC 3339 to milliseconds since 1970, or undefined.
export function instant(text) {
  if (!text) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

const pad = (n, width = 2) => String(n).padStart(width, '0');
/// In the reader's time zone: the time alone today, else with its day.
export function time(text, now = Date.now()) {
  const at = instant(text);
  if (at === undefined) return NONE;
  const d = new Date(at), today = new Date(now);
  const clock = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  if (d.toDateString() === today.toDateString()) return clock;
  const day = `${pad(d.getMonth() + 1)}-${pad(d.getDate())}`;
  return d.getFullYear() === today.getFullYear() ? `${day} ${clock}` : `${d.getFullYear()}-${day} ${clock}`;
}
/// To the millisecond, for details.
export function exactTime(text, now = Date.now()) {
  const at = instant(text);
  return at === undefined ? NONE : `${time(text, now)}.${pad(at % 1000, 3)}`;
}
/// For title attributes: the instant itself.
export function utc(text) {
  const at = instant(text);
  return at === undefined ? '' : new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
}
export function ago(text, now = Date.now()) {
  const at = instant(text);
  if (at === undefined) return NONE;
  const s = Math.max(0, Math.round((now - at) / 1000));
  if (s < 2) return 'now';
  if (s < 120) return `${s} s ago`;
  if (s < 7200) return `${Math.round(s / 60)} m ago`;
  if (s < 172800) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} d ago`;
}

/// The end of an id is what tells two of them apart: ids of one second begin alike.
export const shortId = (id) => (id ? String(id).replaceAll('-', '').slice(-8) : NONE);

export const orNone = (text) => (text === null || text === undefined || text === '' ? NONE : String(text));

/// A body for reading: JSON indented, anything else as it is.
export function bodyText(body) {
  if (body === null || body === undefined) return '';
  return typeof body === 'string' ? body : JSON.stringify(body, null, 2);
}

/// What a chunk of any of the protocols adds to the answer; '' when nothing.
export function chunkText(data) {
  let chunk;
  try { chunk = JSON.parse(data); } catch { return ''; }
  const choice = chunk?.choices?.[0];
  const text = choice?.delta?.content ?? choice?.text ?? chunk?.content;
  return typeof text === 'string' ? text : '';
}

export const STATUS_WORDS = {
  queued: 'waiting', running: 'running', ok: 'ok', queue_full: 'queue full', queue_wait_timeout: 'waited too long',
  inference_timeout: 'ran too long', error: 'error', cancelled: 'cancelled',
  pending: 'pending', claimed: 'claimed', completed: 'completed',
};
export const statusWord = (status) => STATUS_WORDS[status] ?? orNone(status);

/// One of: wait, run, good, bad, off. Colours follow it; the word says it too.
export function statusTone(status) {
  if (status === 'queued' || status === 'pending' || status === 'hibernating' || status === 'draining') return 'wait';
  if (status === 'running' || status === 'claimed') return 'run';
  if (status === 'ok' || status === 'completed' || status === 'active') return 'good';
  if (status === 'cancelled' || status === 'inactive') return 'off';
  return 'bad';
}
