// What clients and workers were told, and a checker of it that knows nothing of how the broker works.
//
// Every read has the moments at which it began and ended on one clock of this process, so that only reads of which one ended before
// the other began are compared. What is checked:
//   kept       every acknowledged task is there at the end, and has ended
//   final      nothing changes after a terminal row was seen: not its status, not a byte of it
//   attempts   never fall
//   once       workers got at most one body accepted per task, and it is the one in the row
//   answers    every answer to a caller is the row's body; one key is one task
export const TERMINAL = ['completed', 'error', 'cancelled'];

/// The text of a chat body, else nothing.
export const textOf = (body) => body?.choices?.[0]?.message?.content;

export class History {
  constructor() {
    Object.assign(this, { clock: 0, tasks: new Map(), keys: new Map(), told: [] });
  }

  now() { return ++this.clock; }
  task(id) {
    if (!this.tasks.has(id)) this.tasks.set(id, { acks: [], rows: [], results: [], answers: [], failures: [] });
    return this.tasks.get(id);
  }

  /// A broken promise that is plain without comparing anything.
  wrong(text) { this.told.push(text); }

  /// The broker promised to keep this task.
  acknowledged(id, how) { this.task(id).acks.push(how); }
  /// A call with an idempotency key belonged to this task.
  keyed(key, id) {
    const had = this.keys.get(key);
    if (had !== undefined && had !== id) this.wrong(`once: key ${key} is task ${had} and task ${id}`);
    this.keys.set(key, id);
  }
  /// A row as some read that began at `from` has shown it.
  row(source, from, row) {
    const to = this.now();
    const ended = TERMINAL.includes(row.status);
    this.task(row.id).rows.push({ source, from, to, status: row.status, attempts: row.attempts, ended, whole: ended ? JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))) : undefined, text: textOf(row.response_body) });
  }
  /// A worker's result was answered 200.
  result(id, { text, duplicate }) { this.task(id).results.push({ at: this.now(), text, duplicate: duplicate === true }); }
  /// A caller got a whole answer.
  answer(id, text, how) { this.task(id).answers.push({ at: this.now(), text, how }); }
  /// A caller was told that the task has failed.
  failed(id, how) { this.task(id).failures.push({ at: this.now(), how }); }

  get acknowledgedIds() { return [...this.tasks].filter(([, t]) => t.acks.length).map(([id]) => id); }

  /// Every broken promise, in words. `mayBeGone`: rows that were seen to have ended may have been collected since.
  check({ ids = [...this.tasks.keys()], final, mayBeGone = false } = {}) {
    const wrong = new Set(this.told);
    for (const id of ids) {
      const t = this.task(id);
      const say = (text) => wrong.add(`task ${id}: ${text}`);
      const last = final?.get(id);
      if (final) this.checkKept(t, last, mayBeGone, say);
      checkRows(t, say);
      checkBodies(t, last, say);
    }
    return [...wrong];
  }

  checkKept(t, last, mayBeGone, say) {
    if (!last) {
      const sawEnd = t.rows.some((r) => r.ended) || t.answers.length > 0 || t.failures.length > 0;
      if (t.acks.length && !(mayBeGone && sawEnd)) say(`kept: acknowledged (${t.acks[0]}) and gone`);
      else if (!mayBeGone && t.rows.length) say('kept: it was seen and is gone');
    } else if (!TERMINAL.includes(last.status)) {
      say(`kept: it has not ended, it is ${last.status} after ${last.attempts} attempt(s)`);
    }
  }
}

function checkRows(t, say) {
  const byEnd = [...t.rows].sort((a, b) => a.to - b.to);
  for (const later of t.rows) {
    let most, ended;
    for (const earlier of byEnd) {
      if (earlier.to >= later.from) break;
      if (!most || earlier.attempts > most.attempts) most = earlier;
      if (earlier.ended) ended ??= earlier;
    }
    if (most && later.attempts < most.attempts) say(`attempts: ${most.source} has shown ${most.attempts}, ${later.source} ${later.attempts} after it`);
    if (!ended) continue;
    if (later.status !== ended.status) say(`final: ${ended.source} has shown ${ended.status}, ${later.source} ${later.status} after it`);
    else if (later.whole !== ended.whole) say(`final: the ended row has changed: ${ended.whole} (${ended.source}), then ${later.whole} (${later.source})`);
  }
}

function checkBodies(t, last, say) {
  const accepted = t.results.filter((r) => !r.duplicate);
  if (new Set(accepted.map((r) => r.text)).size > 1) say(`once: ${accepted.length} results were accepted: ${accepted.map((r) => r.text).join(' | ')}`);
  const rows = last ? [...t.rows, { source: 'the end', from: Infinity, status: last.status, text: textOf(last.response_body) }] : t.rows;
  for (const told of [...accepted.map((r) => ({ ...r, how: 'a worker\'s accepted result' })), ...t.answers]) {
    for (const row of rows.filter((r) => r.from > told.at)) {
      if (row.status !== 'completed') say(`once: ${told.how} was "${told.text}", and ${row.source} shows ${row.status} after it`);
      else if (row.text !== told.text) say(`answers: ${told.how} was "${told.text}", and ${row.source} shows "${row.text}"`);
    }
  }
  if (new Set(t.answers.map((a) => a.text)).size > 1) say(`answers: callers got ${t.answers.map((a) => `"${a.text}" (${a.how})`).join(' and ')}`);
  for (const f of t.failures) {
    for (const row of rows.filter((r) => r.from > f.at && r.status !== 'error')) say(`answers: its caller was told ${f.how}, and ${row.source} shows ${row.status}`);
  }
}
