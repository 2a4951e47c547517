// Pieces that several views are made of.
import { h, renew, setAttribute, setText } from './dom.js';
import { ago, duration, exactTime, NONE, orNone, statusTone, statusWord, time, utc } from './format.js';
import { priorityRank } from './sort.js';

/// The mark of a class: a shape as well as a colour.
export function priorityMark(name) {
  return h('span', { class: `class class-${name}` }, h('span', { class: 'shape', 'aria-hidden': 'true' }), name);
}
export const priorityColumn = {
  id: 'priority', label: 'Class', width: 14, isPlain: true, sort: (row) => priorityRank(row.priority),
  render: (cell, row) => renew(cell, row.priority ?? '', () => (row.priority ? priorityMark(row.priority) : NONE)),
};

export const statusMark = (status) => h('span', { class: `status tone-${statusTone(status)}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), statusWord(status));
export const statusColumn = (field = 'status', width = 16) => ({
  id: field, label: field === 'state' ? 'State' : 'Status', width, isPlain: true, sort: (row) => row[field],
  render: (cell, row) => {
    renew(cell, row[field] ?? '', () => statusMark(row[field]));
    setAttribute(cell, 'title', row.error_detail || row.error_kind || row.error?.message || null);
  },
});

export const textColumn = (id, label, more = {}) => ({ id, label, text: (row) => orNone(row[id]), sort: (row) => row[id], ...more });
export const numberColumn = (id, label, more = {}) => ({ id, label, number: true, width: 10, text: (row) => orNone(row[id]), sort: (row) => row[id], ...more });
export const timeColumn = (id, label, more = {}) => ({ id, label, width: 15, class: 'digits', text: (row, now) => time(row[id], now), title: (row) => utc(row[id]), sort: (row) => row[id], ...more });
export const agoColumn = (id, label, more = {}) => ({ id, label, width: 12, class: 'digits', isClock: true, text: (row, now) => ago(row[id], now), title: (row) => utc(row[id]), sort: (row) => row[id], ...more });

/// A bar of stretches; the widths are set by script, which the policy allows and a style attribute is not.
export function bar(segments, label, isWide = false) {
  const words = segments.map((s) => `${s.label} ${duration(s.ms)}`).join(', ');
  const node = h('div', { class: isWide ? 'bar wide' : 'bar', role: 'img', 'aria-label': `${label}: ${words || 'nothing yet'}`, title: words });
  for (const segment of segments) {
    const piece = h('span', { class: `piece kind-${segment.kind}` });
    piece.style.flexGrow = String(segment.share);
    node.append(piece);
  }
  return node;
}
/// The bar with its parts written out.
export function timeLine(segments, label) {
  return [
    bar(segments, label, true),
    h('ul', { class: 'legend' }, segments.map((s) => h('li', {}, h('span', { class: `swatch kind-${s.kind}`, 'aria-hidden': 'true' }), `${s.label} `, h('b', { class: 'digits' }, duration(s.ms))))),
  ];
}

/// Filled to `used` of `all`.
export function meter(node, used, all, label) {
  renew(node, 'meter', () => h('div', { class: 'meter' }, h('span', { class: 'track', 'aria-hidden': 'true' }, h('span', { class: 'fill' })), h('span', { class: 'digits' })));
  const [track, text] = node.firstChild.children;
  track.firstChild.style.width = `${all > 0 ? Math.min(100, (100 * used) / all) : 0}%`;
  track.firstChild.classList.toggle('full', all > 0 && used >= all);
  setText(text, `${used} / ${all}`);
  setAttribute(node, 'title', label);
}

/// What one can type to have something here.
export function hint(text, command) {
  return [h('p', {}, text), command && h('pre', { tabindex: '0', class: 'command', 'aria-label': 'command' }, command)];
}
export const callHint = () => hint('No calls yet. Make one, with no LLM server needed:',
  `curl ${location.origin}/v1/chat/completions \\\n  -H 'Content-Type: application/json' \\\n  -d '{"model":"echo","messages":[{"role":"user","content":"hello there"}]}'`);

/// Names with values, for details. Values: text or nodes.
export const facts = (pairs) => h('dl', { class: 'facts' }, pairs.filter(Boolean).map(([name, value, title]) => [h('dt', {}, name), h('dd', { title }, value)]));
export const timeFact = (name, text) => [name, exactTime(text), utc(text)];

export const field = (label, control) => h('label', { class: 'field' }, h('span', {}, label), control);

/// A select whose choice goes into the URL.
export function choice(name, label, options, ctx, anyWord = 'all') {
  const select = h('select', { name, onchange: () => ctx.setParams({ [name]: select.value || undefined, cursor: undefined }) });
  const fill = (values, chosen) => {
    const all = [...new Set([...values, ...(chosen ? [chosen] : [])])];
    renew(select, all.join('\n'), () => [h('option', { value: '' }, anyWord), ...all.map((v) => h('option', { value: v }, STATUS_LABELS(name, v)))]);
    if (select.value !== (chosen ?? '') && document.activeElement !== select) select.value = chosen ?? '';
  };
  fill(options, undefined);
  return { node: field(label, select), fill };
}
const STATUS_LABELS = (name, value) => (name === 'status' ? statusWord(value) : value);

/// The text filter of a view: what `/` goes to.
export function search(ctx, label) {
  let timer;
  const input = h('input', { type: 'search', class: 'search', placeholder: 'filter', autocomplete: 'off', spellcheck: 'false', 'data-filter': true });
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(() => ctx.setParams({ q: input.value || undefined }, true), 150); });
  const fill = (q) => { if (document.activeElement !== input) input.value = q ?? ''; };
  return { node: field(label, input), fill };
}
export function matches(row, q, fields) {
  if (!q) return true;
  const wanted = String(q).toLowerCase();
  return fields.some((name) => String(row[name] ?? '').toLowerCase().includes(wanted));
}

/// The panel with one row's details, beside the table or over it.
export class Panel {
  constructor(title, onClose) {
    this.title = h('h2', { tabindex: '-1' }, title);
    this.content = h('div', { class: 'panel-body' });
    this.node = h('aside', { class: 'panel', 'aria-label': title, hidden: true },
      h('header', {}, this.title, h('button', { type: 'button', class: 'quiet', onclick: () => onClose() }, 'Close')), this.content);
  }
  open(title, takesFocus) {
    const wasHidden = this.node.hidden;
    setText(this.title, title);
    this.node.hidden = false;
    if (wasHidden && takesFocus) this.title.focus({ preventScroll: true });
  }
  close() { this.node.hidden = true; }
  get isOpen() { return !this.node.hidden; }
}

/// A dialog that waits for a yes. @returns whether it was given.
export function confirm(question, yes) {
  return new Promise((resolve) => {
    const dialog = h('dialog', { 'aria-label': question },
      h('form', { method: 'dialog' }, h('p', {}, question),
        h('div', { class: 'buttons' }, h('button', { value: 'no', class: 'quiet' }, 'No'), h('button', { value: 'yes', class: 'danger' }, yes))));
    dialog.addEventListener('close', () => { dialog.remove(); resolve(dialog.returnValue === 'yes'); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/// Says why a part of the page is empty when the key may not see it.
export const deniedNote = (message) => h('p', { class: 'note', role: 'note' }, `Not shown: ${message}.`);
