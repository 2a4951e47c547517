// Tables that are updated in place: rows are known by a key, cells are written only when they change, so that focus,
// selection and scroll stay where they are.
import { h, renew, setAttribute, setText } from './dom.js';
import { nextSort, parseSort, sortRows } from './sort.js';

/// Columns: {id, label, width (in ch, none = takes the rest), number, optional (not on narrow screens), rare (on wide ones only), sort(row),
///           text(row), title(row) or render(cell, row)}.
export class Table {
  constructor({ label, columns, key = (row) => row.id, sorted, onSort, empty }) {
    Object.assign(this, { columns, key, onSort, sort: sorted, lines: new Map(), now: Date.now() });
    this.body = h('tbody', { role: 'rowgroup' });
    this.heads = new Map();
    // Said outright, for on narrow screens the rows are no table boxes, and would lose it.
    const head = h('tr', { role: 'row' }, columns.map((column) => this.head(column)));
    this.table = h('table', { role: 'table', 'aria-label': label }, this.widths(), h('thead', { role: 'rowgroup' }, head), this.body);
    this.empty = h('div', { class: 'empty', hidden: true }, empty);
    this.scroller = h('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': `${label}, scrollable` }, this.table);
    this.root = h('div', { class: 'table' }, this.scroller, this.empty);
    this.body.addEventListener('keydown', (event) => this.move(event));
  }

  widths() {
    const width = (column) => column.width ?? 16;
    const sum = (columns) => `${columns.reduce((total, column) => total + width(column), 0)}ch`;
    const group = h('colgroup', {}, this.columns.map((column) => {
      const col = h('col', { class: column.rare ? 'rare optional' : column.optional ? 'optional' : null });
      if (column.width) col.style.width = `${column.width}ch`;
      return col;
    }));
    queueMicrotask(() => {
      this.table.style.setProperty('--all', sum(this.columns));
      this.table.style.setProperty('--most', sum(this.columns.filter((c) => !c.rare)));
      this.table.style.setProperty('--few', sum(this.columns.filter((c) => !c.rare && !c.optional)));
    });
    return group;
  }

  head(column) {
    const inner = column.sort && this.onSort
      ? h('button', { type: 'button', class: 'sort', onclick: () => this.onSort(nextSort(this.sort, column.id)) }, column.label)
      : h('span', { class: column.isMute ? 'hidden-text' : null }, column.label);
    const cell = h('th', { scope: 'col', role: 'columnheader', class: classes(column), title: column.hint }, inner);
    this.heads.set(column.id, cell);
    return cell;
  }

  /// @param rows what is shown; sorted here when an order was chosen.
  update(rows, { sort = this.sort, now = Date.now(), isLoading = false } = {}) {
    Object.assign(this, { sort, now });
    const order = parseSort(sort);
    const by = order && this.columns.find((column) => column.id === order.column)?.sort;
    this.markSorted(by ? order : undefined);
    const shown = by ? sortRows(rows, by, order.descending) : rows;
    const focus = this.body.contains(document.activeElement) ? document.activeElement : undefined;
    const keys = new Set(shown.map(this.key));
    for (const [key, line] of this.lines) {
      if (keys.has(key)) continue;
      line.row.remove();
      this.lines.delete(key);
    }
    let place = this.body.firstChild;
    for (const row of shown) {
      const line = this.line(row);
      if (line.row === place) place = place.nextSibling;
      else this.body.insertBefore(line.row, place);
    }
    if (focus?.isConnected && document.activeElement !== focus) focus.focus({ preventScroll: true });
    this.empty.hidden = shown.length > 0 || isLoading;
    this.table.classList.toggle('is-empty', shown.length === 0);
  }

  /// Only what changes with the clock.
  tick(now) {
    this.now = now;
    for (const line of this.lines.values()) this.write(line, (column) => column.isClock);
  }

  line(row) {
    const key = this.key(row);
    let line = this.lines.get(key);
    if (!line) {
      const cells = this.columns.map((column) => h(column.isHead ? 'th' : 'td', {
        class: classes(column), scope: column.isHead ? 'row' : null, role: column.isHead ? 'rowheader' : 'cell', 'data-label': column.isHead || column.isPlain || column.isMute ? null : column.label,
      }));
      line = { row: h('tr', { role: 'row' }, cells), cells };
      this.lines.set(key, line);
    }
    line.data = row;
    this.write(line, () => true);
    return line;
  }

  write(line, wanted) {
    this.columns.forEach((column, index) => {
      if (!wanted(column)) return;
      const cell = line.cells[index];
      if (column.render) {
        column.render(cell, line.data, this.now);
      } else {
        const text = column.text(line.data, this.now);
        setText(cell, text);
        setAttribute(cell, 'title', column.title ? column.title(line.data) : column.number ? null : text);
      }
    });
  }

  select(key) {
    for (const [each, line] of this.lines) setAttribute(line.row, 'class', each === key ? 'selected' : null);
  }

  markSorted(order) {
    for (const [id, cell] of this.heads) {
      setAttribute(cell, 'aria-sort', order?.column === id ? (order.descending ? 'descending' : 'ascending') : null);
    }
  }

  /// Arrow keys go from row to row, over the same kind of control.
  move(event) {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const cell = event.target.closest('td,th');
    if (!cell || !event.target.matches('button,a')) return;
    const row = event.key === 'ArrowDown' ? cell.parentNode.nextElementSibling : cell.parentNode.previousElementSibling;
    const target = row?.children[cell.cellIndex]?.querySelector('button,a');
    if (!target) return;
    event.preventDefault();
    target.focus();
  }
}

const classes = (column) => [column.number && 'number', (column.optional || column.rare) && 'optional', column.rare && 'rare', column.class].filter(Boolean).join(' ') || null;

/// A cell with a button that opens the row's details.
export const opener = (open, text, title) => (cell, row) => {
  renew(cell, 'made', () => h('button', { type: 'button', class: 'link mono' }));
  const button = cell.firstChild;
  setText(button, text(row));
  setAttribute(button, 'title', title(row));
  button.onclick = () => open(row, button);
};
