// Calls: what was, newest first; filters are in the URL, pages by cursor.
import { h, renew, setText } from '../dom.js';
import { duration, orNone, shortId, statusWord } from '../format.js';
import { bar, callHint, choice, deniedNote, facts, matches, numberColumn, Panel, priorityColumn, priorityMark, search, statusColumn, statusMark, textColumn, timeColumn, timeFact, timeLine } from '../parts.js';
import { isLive, tokensOut } from '../ring.js';
import { opener, Table } from '../table.js';
import { callSegments } from '../timeline.js';
import { formatHash, formatQuery, SINCE_CHOICES, sinceTime } from '../url.js';

const STATUSES = ['queued', 'running', 'ok', 'queue_full', 'queue_wait_timeout', 'inference_timeout', 'error', 'cancelled'];
const FIELDS = ['id', 'profile', 'model', 'pool', 'backend', 'owner', 'description', 'priority', 'request_id', 'error_kind', 'error_detail', 'kind'];
const PAGE = 100;
const ttft = (row) => (row.first_token_at && row.admitted_at ? Date.parse(row.first_token_at) - Date.parse(row.admitted_at) : undefined);

export function create(ctx) {
  const { feed, api } = ctx;
  let rows = [], next, asked = '', isLoaded = false, denied = '', asking;
  const filters = {
    profile: choice('profile', 'Profile', [], ctx), status: choice('status', 'Status', STATUSES, ctx), since: choice('since', 'Since', SINCE_CHOICES, ctx, 'ever'),
  };
  const filter = search(ctx, 'Filter');
  const note = h('div', {});
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
  const first = h('a', { class: 'button' }, 'Newest'), older = h('a', { class: 'button' }, 'Older');
  const where = h('span', { class: 'total digits' });
  const panel = new Panel('Call', () => ctx.open(undefined));
  const root = h('div', { class: 'view' },
    h('div', { class: 'toolbar' }, h('h1', {}, 'Calls'), filters.profile.node, filters.status.node, filters.since.node, filter.node), note,
    h('div', { class: 'split' }, h('div', { class: 'main' }, table.root, h('nav', { class: 'pager', 'aria-label': 'Pages' }, first, older, where)), panel.node));

  const query = () => {
    const { profile, status, since, cursor } = ctx.params;
    return { profile, status, since, cursor, limit: PAGE };
  };
  async function load() {
    const wanted = query(), signature = JSON.stringify(wanted);
    if (asking === signature) return;
    asking = signature;
    try {
      const page = await api.get(`/api/v1/calls?${formatQuery({ ...wanted, since: sinceTime(wanted.since) })}`);
      if (signature !== JSON.stringify(query())) return;
      rows = page.calls;
      next = page.next_cursor;
      denied = '';
      feed.calls.putAll(rows);
    } catch (e) {
      if (e.status === 401) return;
      denied = e.message;
    } finally {
      asking = undefined;
    }
    isLoaded = true;
    asked = signature;
    show();
  }

  function show() {
    const { q, sort, cursor } = ctx.params;
    // What is live goes on between two answers.
    const current = rows.map((row) => feed.calls.rows.get(row.id) ?? row);
    const shown = current.filter((row) => matches(row, q, FIELDS));
    table.update(shown, { sort, isLoading: !isLoaded });
    table.select(ctx.id);
    first.hidden = !cursor;
    first.href = formatHash({ view: 'calls', params: { ...ctx.params, cursor: undefined } });
    older.hidden = !next;
    older.href = formatHash({ view: 'calls', params: { ...ctx.params, cursor: next ?? undefined } });
    setText(where, isLoaded ? `${shown.length} ${shown.length === 1 ? 'call' : 'calls'}${cursor ? '' : ', newest first'}` : '');
    renew(note, denied, () => denied && deniedNote(denied));
    showDetail(current);
  }

  function showDetail(current) {
    if (!ctx.id) return panel.close();
    panel.open(`Call ${shortId(ctx.id)}`, true);
    const row = current.find((each) => each.id === ctx.id) ?? feed.calls.rows.get(ctx.id);
    const signature = row ? JSON.stringify(row) + (isLive(row) ? Math.floor(Date.now() / 1000) : '') : `none ${isLoaded}`;
    renew(panel.content, signature, () => (row ? detail(row) : h('p', {}, isLoaded ? 'This call is not among the rows shown. ' : 'Loading.', h('a', { href: `#/tasks/${ctx.id}` }, 'Look for its task.'))));
  }

  function update() {
    filters.profile.fill([...new Set([...feed.state.profiles.map((p) => p.name), ...rows.map((r) => r.profile)])].sort(), ctx.params.profile);
    filters.status.fill(STATUSES, ctx.params.status);
    filters.since.fill(SINCE_CHOICES, ctx.params.since);
    filter.fill(ctx.params.q);
    if (asked !== JSON.stringify(query())) load();
    show();
  }
  let ticks = 0;
  const tick = () => { if (++ticks % 2 === 0 && !ctx.params.cursor) load(); };
  return { root, update, tick, focusFilter: () => filter.node.querySelector('input').focus(), escape: () => panel.isOpen && (ctx.open(undefined), true) };
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
