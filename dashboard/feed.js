// What the broker is doing, kept up to date: by its event stream where it has one, else by asking every two seconds.
import { ApiError } from './api.js';
import { CallRing } from './ring.js';
import { Backoff, followEvents } from './sse.js';
import { formatQuery } from './url.js';

const POLL_MS = 2000;
const STALE_MS = 5000;
/// A broker that gives no events is asked for them again after this.
const EVENTS_AGAIN_MS = 60_000;
/// A page that nobody has seen for so long lets go of its stream: each is a thread of the broker's.
const HIDDEN_MS = 60_000;
const LIVE_TASKS = { status: ['pending', 'claimed', 'running'], limit: 200 };

const sleep = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

export class Feed {
  constructor({ api, now = Date.now, isHidden = () => false, backoff = new Backoff() }) {
    Object.assign(this, { api, now, isHidden, backoff, listeners: new Set(), calls: new CallRing() });
    this.state = { profiles: [], llms: [], workers: [], tasks: null, isTasksMore: false, version: null, uptimeS: null, denied: {}, isLoaded: false };
    Object.assign(this, { mode: 'connecting', heardAt: undefined, isRunning: false });
  }

  onChange(listener) { this.listeners.add(listener); }
  changed() { for (const listener of this.listeners) listener(); }
  heard() { this.heardAt = this.now(); }

  /// One of: connecting, live, polling, stale, offline; and for how long nothing came.
  health() {
    if (this.heardAt === undefined) return { word: this.mode === 'offline' ? 'offline' : 'connecting', silentMs: 0 };
    const silentMs = this.now() - this.heardAt;
    if (silentMs > STALE_MS) return { word: this.mode === 'offline' ? 'offline' : 'stale', silentMs };
    return { word: this.mode === 'events' ? 'live' : 'polling', silentMs };
  }

  start() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.stopper = new AbortController();
    this.run(this.stopper.signal).catch((e) => console.error(e));
  }
  stop() {
    this.isRunning = false;
    this.stopper?.abort();
  }
  /// Asks now instead of at the next turn: after an action, or when the page is seen again.
  nudge() { this.wake?.(); }

  async run(signal) {
    let eventsAgainAt = 0;
    while (!signal.aborted) {
      try {
        if (this.now() >= eventsAgainAt) {
          const status = await this.listen(signal);
          if (status === 200) { await this.pause(this.backoff.next(), signal); continue; }
          eventsAgainAt = this.now() + (status === 0 ? 0 : EVENTS_AGAIN_MS);
        }
        await this.poll(signal);
        this.backoff.reset();
        this.mode = 'polling';
        this.changed();
        await this.pause(POLL_MS, signal);
      } catch (e) {
        if (signal.aborted || (e instanceof ApiError && e.status === 401)) return;
        this.mode = 'offline';
        this.changed();
        await this.pause(this.backoff.next(), signal);
      }
    }
  }

  /// A page that nobody sees asks nothing.
  async pause(ms, signal) {
    const nudged = new Promise((resolve) => { this.wake = resolve; });
    do await Promise.race([sleep(ms, signal), nudged]);
    while (this.isHidden() && !signal.aborted);
  }

  async listen(signal) {
    const cut = new AbortController();
    const stop = () => cut.abort();
    signal.addEventListener('abort', stop, { once: true });
    let seenAt = this.now();
    const watch = setInterval(() => {
      if (!this.isHidden()) seenAt = this.now();
      // A stream says something every second: one that is silent is dead, whatever its socket says.
      const isDead = this.mode === 'events' && this.now() - this.heardAt > 3 * STALE_MS;
      if (isDead || this.now() - seenAt > HIDDEN_MS) cut.abort();
    }, 1000);
    let isOpen = false;
    const opened = () => {
      isOpen = true;
      this.mode = 'events';
      this.backoff.reset();
      // What was before the stream is asked for once it is there, so that nothing falls between the two.
      this.poll(cut.signal).catch(stop);
    };
    try {
      const { status } = await followEvents(this.api.fetch, '/api/v1/events', {
        signal: cut.signal, headers: this.api.headers(),
        opened, alive: () => this.heard(), heard: (event) => this.take(event),
      });
      return status;
    } catch (e) {
      if (signal.aborted) throw e;
      return isOpen ? 200 : 0;
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', stop);
    }
  }

  take({ event, data }) {
    let value;
    try { value = JSON.parse(data); } catch { return; }
    if (event === 'call') {
      this.calls.put(value);
    } else if (event === 'state') {
      const { profiles, llms, workers, tasks, version, uptime_s: uptimeS } = value;
      Object.assign(this.state, { profiles: profiles ?? [], llms: llms ?? [], workers: workers ?? [], tasks: tasks ?? null, isTasksMore: false, version: version ?? null, uptimeS: uptimeS ?? null, isLoaded: true });
      this.calls.trim(this.now());
    } else {
      return;
    }
    this.changed();
  }

  /// A part that this key may not see is remembered as denied; the others still come.
  async part(name, path, use, signal) {
    try {
      use(await this.api.get(path, { signal }));
      delete this.state.denied[name];
    } catch (e) {
      if (!(e instanceof ApiError) || (e.status !== 403 && e.status !== 404)) throw e;
      this.state.denied[name] = e.message;
    }
  }

  async poll(signal) {
    const { state } = this;
    await Promise.all([
      this.part('profiles', '/api/v1/profiles', (a) => { state.profiles = a.profiles; }, signal),
      this.part('llms', '/api/v1/llms', (a) => { state.llms = a.llms; }, signal),
      this.part('workers', '/api/v1/workers', (a) => { state.workers = a.workers; }, signal),
      // The stream has their exact numbers.
      this.mode !== 'events' && this.part('tasks', `/api/v1/inference-tasks?${formatQuery(LIVE_TASKS)}`, (a) => this.countTasks(a), signal),
      this.pollCalls(signal),
    ]);
    this.calls.trim(this.now());
    state.isLoaded = true;
    this.heard();
    this.changed();
  }

  countTasks({ tasks, next_cursor: next }) {
    const counts = { pending: 0, claimed: 0, running: 0 };
    for (const task of tasks) counts[task.status]++;
    Object.assign(this.state, { tasks: counts, isTasksMore: Boolean(next) });
  }

  async pollCalls(signal) {
    const since = this.calls.askFrom() ?? new Date(this.now() - this.calls.spanMs).toISOString();
    let isWhole = true;
    const ids = new Set();
    // A call that comes meanwhile, by the stream, is not missed by the answers.
    const before = this.calls.live().map((row) => row.id);
    const use = (page) => {
      this.calls.putAll(page.calls);
      for (const row of page.calls) ids.add(row.id);
    };
    const ask = (query) => this.part('calls', `/api/v1/calls?${formatQuery(query)}`, (page) => { use(page); isWhole &&= !page.next_cursor; }, signal);
    await ask({ since, limit: 1000 });
    if (!isWhole) {
      isWhole = true;
      await Promise.all([ask({ status: 'running', limit: 1000 }), ask({ status: 'queued', limit: 1000 })]);
    }
    if (isWhole && !this.state.denied.calls) this.calls.forgetLive(before.filter((id) => !ids.has(id)));
  }
}
