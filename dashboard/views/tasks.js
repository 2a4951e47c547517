// Tasks: the durable rows, with their attempts; one task is followed live by its stream.
import { inPath } from '../api.js';
import { h, setText } from '../dom.js';
import { bodyText, chunkText, duration, instant, orNone, shortId, statusWord } from '../format.js';
import { Pages } from '../pages.js';
import { agoColumn, choice, confirm, facts, hint, matches, numberColumn, Panel, priorityColumn, priorityMark, search, statusColumn, statusMark, textColumn, timeFact, timeLine } from '../parts.js';
import { PRIORITIES } from '../sort.js';
import { Backoff, followEvents } from '../sse.js';
import { opener, Table } from '../table.js';
import { taskSegments } from '../timeline.js';
import { asList } from '../url.js';

const STATES = ['pending', 'claimed', 'running', 'completed', 'error', 'cancelled'];
const FIELDS = ['id', 'profile', 'model', 'pool', 'llm', 'backend', 'owner', 'agent', 'priority', 'kind', 'status'];
const hasEnded = (task) => Boolean(task.completed_at);
const taskPath = (id) => `/api/v1/inference-tasks/${inPath(id)}`;
const took = (row, now) => (instant(row.completed_at) ?? now) - instant(row.created_at);

export function create(ctx) {
  const { feed } = ctx;
  const boxes = STATES.map((state) => h('input', { type: 'checkbox', value: state, onchange: () => ctx.setParams({ status: boxes.filter((b) => b.checked).map((b) => b.value), cursor: undefined }) }));
  const states = h('fieldset', { class: 'field states' }, h('legend', { class: 'hidden-text' }, 'Status'), boxes.map((box, i) => h('label', {}, box, statusWord(STATES[i]))));
  const priorities = choice('priority', 'Class', PRIORITIES, ctx);
  const llms = choice('llm', 'LLM', [], ctx), agents = choice('agent', 'Agent', [], ctx);
  const filter = search(ctx, 'Filter');
  const columns = [
    { id: 'id', label: 'Id', isHead: true, width: 11, sort: (row) => row.id, render: opener((row) => ctx.open(row.id), (row) => shortId(row.id), (row) => row.id) },
    statusColumn('status', 14), priorityColumn,
    agoColumn('created_at', 'Created'),
    { id: 'took', label: 'Age or time', number: true, isClock: true, width: 12, text: (row, now) => duration(took(row, now)), sort: (row) => took(row, Date.now()) },
    numberColumn('queue_position', 'Place', { width: 7, text: (row) => (row.queue_position ? `#${row.queue_position}` : '') }),
    numberColumn('attempts', 'Attempts', { width: 10, optional: true }),
    textColumn('profile', 'Profile', { optional: true, width: 23 }), textColumn('backend', 'Ran on', { optional: true, width: 14 }),
    textColumn('agent', 'Agent', { optional: true, width: 12 }), textColumn('owner', 'Owner', { optional: true, width: 10 }),
    { id: 'error', label: 'Error', optional: true, text: (row) => row.error?.code ?? '', title: (row) => row.error?.message, sort: (row) => row.error?.code },
  ];
  const table = new Table({
    label: 'Tasks', columns, onSort: (sort) => ctx.setParams({ sort }),
    empty: h('div', {}, hint('No task fits these filters. Put one in line that nobody waits for:', `curl ${location.origin}/api/v1/inference-tasks \\\n  -H 'Content-Type: application/json' \\\n  -d '{"llm":"echo","request":{"messages":[{"role":"user","content":"later"}]}}'`)),
  });
  const pages = new Pages(ctx, {
    view: 'tasks', path: '/api/v1/inference-tasks', rowsOf: (answer) => answer.tasks, word: ['task', 'tasks'],
    query: ({ status, priority, llm, agent }) => ({ status: asList(status), priority, llm, agent }), loaded: () => show(),
  });
  const panel = new Panel('Task', () => ctx.open(undefined));
  const watch = new TaskWatch(ctx, panel, () => { void pages.load(); });
  const root = h('div', { class: 'view' },
    h('div', { class: 'toolbar' }, h('h1', {}, 'Tasks'), states, priorities.node, llms.node, agents.node, filter.node), pages.note,
    h('div', { class: 'split' }, h('div', { class: 'main' }, table.root, pages.nav), panel.node));

  function show() {
    const { q, sort } = ctx.params;
    const shown = pages.rows.filter((row) => matches(row, q, FIELDS));
    table.update(shown, { sort, isLoading: !pages.isLoaded });
    table.select(ctx.id);
    pages.show(shown.length);
  }

  function update() {
    const chosen = asList(ctx.params.status);
    for (const box of boxes) box.checked = chosen.includes(box.value);
    priorities.fill(PRIORITIES, ctx.params.priority);
    llms.fill(feed.state.llms.map((l) => l.name), ctx.params.llm);
    agents.fill([...new Set(pages.rows.map((r) => r.agent).filter(Boolean))], ctx.params.agent);
    filter.fill(ctx.params.q);
    pages.follow();
    show();
    watch.show(ctx.id);
  }
  const tick = (now) => {
    table.tick(now);
    watch.tick();
    pages.tick();
  };
  return {
    root, update, tick, leave: () => watch.show(undefined), focusFilter: () => filter.node.querySelector('input').focus(),
    escape: () => panel.isOpen && (ctx.open(undefined), true),
  };
}

/// One task in the panel: its row, and what it says while it runs.
class TaskWatch {
  constructor(ctx, panel, moved) {
    Object.assign(this, { ctx, panel, moved, id: undefined });
    this.marks = h('div', { class: 'marks' });
    this.error = h('p', { class: 'error-text', hidden: true });
    this.line = h('div', {});
    this.facts = h('div', {});
    this.cancel = h('button', { type: 'button', class: 'danger', onclick: () => this.ask() }, 'Cancel the task');
    this.output = h('pre', { class: 'body', tabindex: '0', 'aria-label': 'output so far' });
    this.outputBox = h('details', {}, h('summary', {}, 'Output so far'), this.output);
    this.request = this.body('Request');
    this.response = this.body('Response');
    this.nodes = [this.marks, this.line, this.error, this.cancel, this.facts, this.outputBox, this.request.box, this.response.box];
  }
  body(name) {
    const text = h('pre', { class: 'body', tabindex: '0', 'aria-label': name });
    return { box: h('details', {}, h('summary', {}, name), text), text };
  }

  show(id) {
    if (id === this.id) return;
    this.id = id;
    this.stopper?.abort();
    this.task = undefined;
    if (!id) return this.panel.close();
    this.panel.open(`Task ${shortId(id)}`, true);
    this.panel.content.replaceChildren(h('p', {}, 'Loading.'));
    for (const box of [this.outputBox, this.request.box, this.response.box]) box.open = false;
    this.spoken = '';
    this.stopper = new AbortController();
    this.follow(id, this.stopper.signal).catch((e) => {
      if (!this.stopper.signal.aborted) this.panel.content.replaceChildren(h('p', { class: 'note' }, e.message));
    });
  }

  async read(id, signal) {
    const task = await this.ctx.api.get(taskPath(id), { signal });
    if (!signal.aborted) this.put(task);
  }
  put(task) {
    const wasShown = this.task !== undefined;
    this.task = task;
    if (!wasShown) this.panel.content.replaceChildren(...this.nodes);
    this.draw();
  }

  async follow(id, signal) {
    const { api } = this.ctx, backoff = new Backoff();
    let lastId;
    await this.read(id, signal);
    while (!signal.aborted && !hasEnded(this.task)) {
      try {
        const { status } = await followEvents(api.fetch, `${taskPath(id)}/stream`, {
          signal, headers: { ...api.headers(), ...(lastId ? { 'Last-Event-ID': lastId } : {}) }, opened: () => backoff.reset(),
          heard: (event) => { lastId = event.id ?? lastId; this.take(event, id, signal); },
        });
        if (status !== 200 && status !== 204) await this.read(id, signal);
        else if (status === 204) { await this.read(id, signal); return; }
      } catch (e) {
        if (signal.aborted) return;
      }
      if (hasEnded(this.task)) return;
      await new Promise((resolve) => { setTimeout(resolve, backoff.next()); });
    }
  }

  take({ event, data }, id, signal) {
    if (signal.aborted) return;
    if (event === 'chunk') {
      this.spoken += chunkText(data);
      setText(this.output, this.spoken);
    } else if (event === 'reset') {
      this.spoken = '';
      setText(this.output, '');
    } else if (event === 'terminal') {
      this.put(JSON.parse(data));
      this.moved();
    } else if (event === 'status') {
      this.read(id, signal).catch(() => {});
      this.moved();
    }
  }

  async ask() {
    const { id } = this;
    if (!(await confirm(`Cancel task ${shortId(id)}?`, 'Cancel the task'))) return this.cancel.focus();
    await this.ctx.act(`task ${shortId(id)} cancelled`, async () => this.put(await this.ctx.api.delete(taskPath(id))));
    this.moved();
  }

  tick() { if (this.task && !hasEnded(this.task)) this.drawLine(); }
  drawLine() { this.line.replaceChildren(...timeLine(taskSegments(this.task), 'Attempts')); }

  draw() {
    const { task } = this;
    this.marks.replaceChildren(statusMark(task.status), priorityMark(task.priority));
    this.drawLine();
    this.cancel.hidden = hasEnded(task);
    this.outputBox.hidden = !task.streaming || hasEnded(task);
    this.error.hidden = !task.error;
    if (task.error) setText(this.error, `${task.error.code}: ${task.error.message}`);
    setText(this.request.text, bodyText(task.request_body));
    setText(this.response.text, bodyText(task.response_body));
    this.response.box.hidden = !task.response_body;
    this.facts.replaceChildren(facts([
      ['Id', h('span', { class: 'mono' }, task.id)], ['Profile', orNone(task.profile)], ['LLM', orNone(task.llm)], ['Model', orNone(task.model)], ['Pool', orNone(task.pool)], ['Tier', orNone(task.tier)],
      ['Ran on', orNone(task.backend)], ['Claimed by', orNone(task.claimed_by)], ['Agent', orNone(task.agent)], ['Owner', orNone(task.owner)], ['Kind', `${task.kind}${task.streaming ? ', streaming' : ''}`], ['Attempts', String(task.attempts)],
      task.queue_position && ['Place in line', `#${task.queue_position}, about ${duration(task.estimated_wait_s * 1000)}`],
      timeFact('Created', task.created_at), timeFact('Claimed', task.claimed_at), timeFact('First byte', task.stream_started_at), timeFact('Ended', task.completed_at),
      task.metadata && Object.keys(task.metadata).length && ['Metadata', h('span', { class: 'mono' }, JSON.stringify(task.metadata))],
    ]));
  }
}
