// Calls: what was, newest first; filters are in the URL, pages by cursor.
import { h, renew } from '../dom.js';
import { duration, orNone, shortId, statusWord } from '../format.js';
import { Pages } from '../pages.js';
import { bar, callHint, choice, facts, matches, numberColumn, Panel, priorityColumn, priorityMark, search, statusColumn, statusMark, textColumn, timeColumn, timeFact, timeLine } from '../parts.js';
import { isLive, tokensOut } from '../ring.js';
import { opener, Table } from '../table.js';
import { callSegments } from '../timeline.js';
import { SINCE_CHOICES, sinceTime } from '../url.js';

const STATUSES = ['queued', 'running', 'ok', 'queue_full', 'queue_wait_timeout', 'inference_timeout', 'error', 'cancelled'];
const FIELDS = ['id', 'profile', 'model', 'pool', 'backend', 'owner', 'description', 'priority', 'request_id', 'error_kind', 'error_detail', 'kind'];
const ttft = (row) => (row.first_token_at && row.admitted_at ? Date.parse(row.first_token_at) - Date.parse(row.admitted_at) : undefined);

export function create(ctx) {
  const { feed } = ctx;
  const filters = {
    profile: choice('profile', 'Profile', [], ctx), status: choice('status', 'Status', STATUSES, ctx), since: choice('since', 'Since', SINCE_CHOICES, ctx, 'ever'),
  };
  const filter = search(ctx, 'Filter');
  const columns = [
    timeColumn('queued_at', 'Came', { width: 14 }),
    { id: 'id', label: 'Id', isHead: true, width: 11, sort: (row) => row.id, render: opener((row) => ctx.open(row.id), (row) => shortId(row.id), (row) => row.id) },
    statusColumn('status', 16), priorityColumn,
    textColumn('profile', 'Profile', { optional: true, width: 23 }), textColumn('model', 'Model', { optional: true, width: 13 }), textColumn('description', 'Description', { class: 'broad' }),
    textColumn('backend', 'Ran on', { rare: true, width: 14 }), textColumn('owner', 'Owner', { rare: true, width: 10 }),
    numberColumn('queue_wait_ms', 'Wait', { width: 9, text: (row) => duration(row.queue_wait_ms) }),
    numberColumn('ttft', 'TTFT', { width: 9, hint: 'time to first token, from admission', text: (row) => duration(ttft(row)), sort: ttft }),
    numberColumn('service_time_ms', 'Ran', { width: 9, text: (row) => duration(row.service_time_ms) }),
    numberColumn('tokens', 'Tokens', { width: 9, rare: true, text: (row) => orNone(tokensOut(row)), sort: tokensOut }),
    { id: 'bar', label: 'Time line', optional: true, width: 16, render: (cell, row) => renew(cell, `${row.status}${row.finished_at}${row.first_token_at}`, () => bar(callSegments(row), 'Time line')) },
  ];
  const table = new Table({ label: 'Calls', columns, onSort: (sort) => ctx.setParams({ sort }), empty: h('div', {}, h('p', {}, 'No call fits these filters.'), callHint()) });
  const pages = new Pages(ctx, {
    view: 'calls', path: '/api/v1/calls', rowsOf: (answer) => answer.calls, word: ['call', 'calls'],
    query: ({ profile, status, since }) => ({ profile, status, since }), sent: (query) => ({ ...query, since: sinceTime(query.since) }),
    loaded: (rows) => { feed.calls.putAll(rows); show(); },
  });
  const panel = new Panel('Call', () => ctx.open(undefined));
  const root = h('div', { class: 'view' },
    h('div', { class: 'toolbar' }, h('h1', {}, 'Calls'), filters.profile.node, filters.status.node, filters.since.node, filter.node), pages.note,
    h('div', { class: 'split' }, h('div', { class: 'main' }, table.root, pages.nav), panel.node));

  function show() {
    const { q, sort } = ctx.params;
    // What is live goes on between two answers.
    const current = pages.rows.map((row) => feed.calls.rows.get(row.id) ?? row);
    const shown = current.filter((row) => matches(row, q, FIELDS));
    table.update(shown, { sort, isLoading: !pages.isLoaded });
    table.select(ctx.id);
    pages.show(shown.length);
    showDetail(current);
  }

  function showDetail(current) {
    if (!ctx.id) return panel.close();
    panel.open(`Call ${shortId(ctx.id)}`, true);
    const row = current.find((each) => each.id === ctx.id) ?? feed.calls.rows.get(ctx.id);
    const signature = row ? JSON.stringify(row) + (isLive(row) ? Math.floor(Date.now() / 1000) : '') : `none ${pages.isLoaded}`;
    renew(panel.content, signature, () => (row ? detail(row) : h('p', {}, pages.isLoaded ? 'This call is not among the rows shown. ' : 'Loading.', h('a', { href: `#/tasks/${ctx.id}` }, 'Look for its task.'))));
  }

  function update() {
    filters.profile.fill([...new Set([...feed.state.profiles.map((p) => p.name), ...pages.rows.map((r) => r.profile)])].sort(), ctx.params.profile);
    filters.status.fill(STATUSES, ctx.params.status);
    filters.since.fill(SINCE_CHOICES, ctx.params.since);
    filter.fill(ctx.params.q);
    pages.follow();
    show();
  }
  return { root, update, tick: () => pages.tick(), focusFilter: () => filter.node.querySelector('input').focus(), escape: () => panel.isOpen && (ctx.open(undefined), true) };
}

function detail(row) {
  return [
    h('div', { class: 'marks' }, statusMark(row.status), priorityMark(row.priority)),
    ...timeLine(callSegments(row), `Time line, ${statusWord(row.status)}`),
    row.error_kind && h('p', { class: 'error-text' }, `${row.error_kind}${row.error_detail ? `: ${row.error_detail}` : ''}`),
    facts([
      ['Id', h('span', { class: 'mono' }, row.id)], ['Description', orNone(row.description)], ['Profile', orNone(row.profile)], ['Model', orNone(row.model)], ['Pool', orNone(row.pool)],
      ['Ran on', orNone(row.backend)], ['Owner', orNone(row.owner)], ['Kind', `${row.kind}${row.streaming ? ', streaming' : ''}`], ['Attempts', String(row.attempts)],
      ['Queue wait', duration(row.queue_wait_ms)], ['Time to first token', duration(ttft(row))], ['Ran', duration(row.service_time_ms)], ['In all', duration(row.total_latency_ms)],
      tokensOut(row) !== null && ['Tokens', String(tokensOut(row))],
      timeFact('Came', row.queued_at), timeFact('Admitted', row.admitted_at), timeFact('Sent', row.started_http_at), timeFact('First token', row.first_token_at), timeFact('Ended', row.finished_at),
      ['Request id', h('span', { class: 'mono' }, orNone(row.request_id))],
    ]),
    row.kind !== 'slot' && h('p', {}, h('a', { href: `#/tasks/${row.id}` }, 'Its task, with attempts and bodies')),
  ];
}
