// One call, or one task, as stretches of time that follow each other. Pure.
import { instant } from './format.js';

/// @returns [{kind, label, ms, share}] whose shares add up to 1; [] when nothing is known yet. Kinds: wait, first, stream, run.
export function callSegments(row, now = Date.now()) {
  const queued = instant(row.queued_at);
  if (queued === undefined) return [];
  const admitted = instant(row.admitted_at), first = instant(row.first_token_at), finished = instant(row.finished_at);
  const end = finished ?? now;
  const segments = [];
  const add = (kind, label, from, to) => { if (to > from) segments.push({ kind, label, ms: to - from }); };
  add('wait', 'queue wait', queued, Math.min(admitted ?? end, end));
  if (admitted !== undefined) {
    if (first !== undefined) {
      add('first', 'time to first token', admitted, first);
      add('stream', 'streaming', first, end);
    } else {
      add('run', row.streaming && finished === undefined ? 'no token yet' : 'running', admitted, end);
    }
  }
  return withShares(segments);
}

/// A task: waiting, and each attempt with how it ended. Kinds: wait, open, completed, failed, lost, returned, cancelled, preempted.
export function taskSegments(row, now = Date.now()) {
  const created = instant(row.created_at);
  if (created === undefined) return [];
  const end = instant(row.completed_at) ?? now;
  const segments = [];
  let at = created;
  for (const attempt of row.attempt_log ?? []) {
    const from = instant(attempt.claimed_at), to = instant(attempt.ended_at) ?? end;
    if (from === undefined) continue;
    if (from > at) segments.push({ kind: 'wait', label: 'waiting', ms: from - at });
    const by = attempt.backend ? ` on ${attempt.backend}` : '';
    const why = attempt.error_code ? ` (${attempt.error_code})` : '';
    if (to > from) segments.push({ kind: attempt.outcome, label: `attempt ${attempt.attempt}${by}: ${attempt.outcome}${why}`, ms: to - from });
    at = Math.max(at, to);
  }
  if (end > at) segments.push({ kind: 'wait', label: 'waiting', ms: end - at });
  return withShares(segments);
}

function withShares(segments) {
  const whole = segments.reduce((sum, s) => sum + s.ms, 0);
  return segments.map((s) => ({ ...s, share: s.ms / whole }));
}
