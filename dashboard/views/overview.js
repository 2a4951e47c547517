// Overview: what is going on, how the last quarter of an hour was, and what wants looking at.
import { hasCharts, TimeChart } from '../charts.js';
import { h, renew, setText } from '../dom.js';
import { count, duration, instant, NONE, rate } from '../format.js';
import { callHint, deniedNote } from '../parts.js';
import { isRejected, quantile, series, tokensOut } from '../ring.js';
import { PRIORITIES } from '../sort.js';

const sum = (list, of) => list.reduce((total, each) => total + of(each), 0);
const last = (list) => [...list].reverse().find((v) => v !== null) ?? null;
const highest = (list) => Math.max(0, ...list.filter((v) => v !== null));

class Card {
  constructor(label, href) {
    this.value = h('span', { class: 'value digits' }, NONE);
    this.note = h('span', { class: 'sub digits' }, '\u00a0');
    this.root = h('a', { class: 'card stat', href }, h('span', { class: 'label' }, label), this.value, this.note);
  }
  show(value, note = '\u00a0', tone = '') {
    setText(this.value, value);
    setText(this.note, note);
    this.root.dataset.tone = tone;
  }
}

const callsInHand = (n) => `${count(n)} ${n === 1 ? 'call' : 'calls'} in hand`;
const isFailed = (row) => row.status === 'error' || row.status === 'inference_timeout';

/// One that is pushed to is called by the broker, and binds to nothing.
const isConnected = (worker) => worker.bound || worker.kind === 'push';

/// What an operator should know, worst first. Pure.
export function attention({ profiles, llms, workers, rows, now }) {
  const found = [];
  for (const p of profiles) {
    const waiting = sum(PRIORITIES, (name) => p.waiting[name] ?? 0);
    if (p.max_concurrent === 0) found.push({ tone: 'bad', text: `Profile ${p.name} is paused: it has no slots${waiting ? `, and ${waiting} wait` : ''}.`, href: '#/profiles' });
    else if (waiting > 0 && p.in_flight < p.max_concurrent) found.push({ tone: 'wait', text: `Profile ${p.name} has free slots, but ${waiting} wait: no backend has room.`, href: '#/llms' });
  }
  for (const llm of llms) if (llm.status === 'inactive') found.push({ tone: 'bad', text: `LLM ${llm.name} is inactive.`, href: '#/llms' });
  for (const w of workers) if (w.state === 'active' && !isConnected(w)) found.push({ tone: 'wait', text: `Worker ${w.llms.map((l) => l.name).join(', ')} has registered, but is not connected.`, href: '#/llms' });
  const recent = rows.filter((row) => row.finished_at && instant(row.finished_at) > now - 300_000);
  const rejected = recent.filter(isRejected).length;
  if (rejected) found.push({ tone: 'wait', text: `${rejected} rejected in the last 5 minutes.`, href: '#/calls?since=5m' });
  const failed = recent.filter(isFailed).length;
  if (failed) found.push({ tone: 'bad', text: `${failed} failed in the last 5 minutes.`, href: '#/calls?status=error&since=5m' });
  return found;
}

export function create(ctx) {
  const { feed } = ctx;
  const cards = {
    flight: new Card('In flight', '#/live'), waiting: new Card('Waiting', '#/live'), oldest: new Card('Longest wait now', '#/live'),
    admitted: new Card('Admitted, 15 min', '#/calls'), rejected: new Card('Rejected, 15 min', '#/calls?status=queue_full'),
    failed: new Card('Failed, 15 min', '#/calls?status=error'), rate: new Card('Calls per second', '#/calls'), workers: new Card('Workers', '#/llms'), llms: new Card('LLMs', '#/llms'), backlog: new Card('Tasks in hand', '#/tasks'),
  };
  const wait = new TimeChart({ title: 'Queue wait', hint: 'mean of the calls admitted in each quarter of a minute', lines: PRIORITIES.map((p, i) => ({ label: p, tone: p, isDashed: i > 0 })), format: duration });
  const first = new TimeChart({ title: 'Time to first token', hint: 'from admission', lines: [{ label: 'median', tone: 'first' }, { label: '95th percentile', tone: 'soft', isDashed: true }], format: duration });
  const throughput = new TimeChart({ title: 'Calls per second', lines: [{ label: 'ended', tone: 'accent' }], format: rate });
  const admissions = new TimeChart({ title: 'Admissions and rejections', hint: 'per quarter of a minute', lines: [{ label: 'admitted', tone: 'accent' }, { label: 'rejected', tone: 'bad' }], format: count, isBars: true });
  const charts = [wait, first, throughput, admissions];
  const notes = h('div', { class: 'attention', 'aria-live': 'polite' });
  const empty = h('div', { class: 'empty card', hidden: true }, callHint());
  const denied = h('div', {});
  const plots = h('div', { class: 'charts' }, hasCharts() ? charts.map((c) => c.root) : [wait.root]);
  const root = h('div', { class: 'overview' }, h('h1', { class: 'hidden-text' }, 'Overview'),
    h('div', { class: 'cards' }, Object.values(cards).map((c) => c.root)), empty, notes, denied, plots);

  function showCards(rows, now) {
    const { profiles, llms, workers, tasks, isTasksMore } = feed.state;
    const inFlight = sum(profiles, (p) => p.in_flight), slots = sum(profiles, (p) => p.max_concurrent);
    cards.flight.show(count(inFlight), `of ${count(slots)} slots`);
    const perClass = PRIORITIES.map((name) => sum(profiles, (p) => p.waiting[name] ?? 0));
    cards.waiting.show(count(sum(perClass, (n) => n)), `${perClass[0]} int · ${perClass[1]} wfl · ${perClass[2]} bgd`);
    const queued = rows.filter((row) => row.status === 'queued');
    const oldest = queued.reduce((a, b) => (!a || b.queued_at < a.queued_at ? b : a), undefined);
    cards.oldest.show(oldest ? duration(now - instant(oldest.queued_at)) : NONE, oldest ? oldest.profile : 'nobody waits');
    const isRecent = (text) => text && instant(text) >= now - 900_000;
    const admitted = rows.filter((row) => isRecent(row.admitted_at));
    const rejected = rows.filter((row) => isRejected(row) && isRecent(row.finished_at));
    const waits = admitted.map((row) => row.queue_wait_ms).filter((ms) => typeof ms === 'number');
    cards.admitted.show(count(admitted.length), waits.length ? `median wait ${duration(quantile(waits, 0.5))}` : '\u00a0');
    const all = admitted.length + rejected.length;
    cards.rejected.show(count(rejected.length), all ? `${((100 * rejected.length) / all).toFixed(1)} %` : '\u00a0', rejected.length ? 'bad' : '');
    const over = rows.filter((row) => isRecent(row.finished_at) && !isRejected(row)), failed = over.filter(isFailed);
    cards.failed.show(count(failed.length), over.length ? `${((100 * failed.length) / over.length).toFixed(1)} %` : '\u00a0', failed.length ? 'bad' : '');
    const ended = rows.filter((row) => row.finished_at && instant(row.finished_at) > now - 60_000 && !isRejected(row));
    const known = ended.map(tokensOut).filter((n) => n !== null);
    cards.rate.show(rate(ended.length / 60), known.length ? `${rate(sum(known, (n) => n) / 60)} tokens/s` : 'last minute');
    const active = workers.filter((w) => w.state === 'active' && isConnected(w));
    cards.workers.show(workers.length ? `${active.length} / ${workers.length}` : '0', callsInHand(sum(workers, (w) => w.in_flight)), active.length < workers.length ? 'wait' : '');
    const up = llms.filter((l) => l.status !== 'inactive');
    cards.llms.show(`${up.length} / ${llms.length}`, `${count(sum(llms, (l) => l.running))} of ${count(sum(up, (l) => l.capacity))} running`, up.length < llms.length ? 'bad' : '');
    const inHand = tasks && tasks.pending + tasks.claimed + tasks.running;
    cards.backlog.show(tasks ? `${count(inHand)}${isTasksMore ? '+' : ''}` : NONE, tasks ? `${count(tasks.pending)} pending` : '\u00a0');
  }

  function showCharts(rows, now) {
    const s = series(rows, now);
    const waits = PRIORITIES.map((p) => s.wait[p]);
    const newest = last(s.times.map((_, i) => Math.max(...waits.map((w) => w[i] ?? -1))).map((v) => (v < 0 ? null : v)));
    wait.update(s.times, waits, duration(newest), `latest ${duration(newest)}; highest ${PRIORITIES.map((p, i) => `${p} ${duration(highest(waits[i]))}`).join(', ')}`);
    first.update(s.times, [s.first.median, s.first.p95], duration(last(s.first.median)), `latest median ${duration(last(s.first.median))}, highest ${duration(highest(s.first.p95))}`);
    const throughputs = s.tokens ?? s.finished;
    // The newest step is not over yet.
    const rateNow = throughputs.at(-2) ?? 0;
    setText(throughput.root.querySelector('h3'), s.tokens ? 'Tokens per second' : 'Calls per second');
    throughput.title = s.tokens ? 'Tokens per second' : 'Calls per second';
    throughput.update(s.times, [throughputs], rate(rateNow), `latest ${rate(rateNow)}, highest ${rate(highest(throughputs))}`);
    const admitted = sum(s.admitted, (n) => n), rejected = sum(s.rejected, (n) => n);
    admissions.update(s.times, [s.admitted, s.rejected], `${count(admitted)} / ${count(rejected)}`, `${admitted} admitted and ${rejected} rejected in 15 minutes`);
  }

  function update() {
    const now = Date.now(), rows = feed.calls.all();
    showCards(rows, now);
    showCharts(rows, now);
    empty.hidden = rows.length > 0 || !feed.state.isLoaded || Boolean(feed.state.denied.calls);
    const found = attention({ ...feed.state, rows, now });
    if (/stale|offline/.test(feed.health().word)) found.unshift({ tone: 'bad', text: 'The broker says nothing. What is shown here is from before; the page goes on asking.', href: '#/overview' });
    renew(notes, JSON.stringify(found), () => (!found.length ? h('p', {}, 'Nothing needs attention.') : found.slice(0, 6).map((each) => h('a', { class: `tone-${each.tone}`, href: each.href }, h('span', { class: 'dot', 'aria-hidden': 'true' }), each.text))));
    const reasons = Object.values(feed.state.denied);
    renew(denied, reasons.join('\n'), () => reasons.map(deniedNote));
  }
  return { root, update, tick: () => update(), themed: () => charts.forEach((c) => c.paint()), leave: () => charts.forEach((c) => c.destroy()) };
}
