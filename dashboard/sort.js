// Sorting of rows. Pure and stable; what is not known comes last in either direction.

export function compare(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}
const isUnknown = (v) => v === null || v === undefined || v === '' || Number.isNaN(v);

/// @returns a sorted copy. `value(row)` is what it is sorted by.
export function sortRows(rows, value, descending = false) {
  const keyed = rows.map((row, index) => ({ row, index, value: value(row) }));
  keyed.sort((a, b) => {
    const unknownA = isUnknown(a.value), unknownB = isUnknown(b.value);
    if (unknownA || unknownB) return unknownA - unknownB || a.index - b.index;
    const order = compare(a.value, b.value);
    return (descending ? -order : order) || a.index - b.index;
  });
  return keyed.map((each) => each.row);
}

export const PRIORITIES = ['interactive', 'workflow', 'background'];
export const priorityRank = (name) => {
  const rank = PRIORITIES.indexOf(name);
  return rank < 0 ? PRIORITIES.length : rank;
};

/// "column" or "-column" and back, as it stands in the URL.
export const parseSort = (text) => (text ? { column: text.replace(/^-/, ''), descending: text.startsWith('-') } : undefined);
/// What a click on `column` makes of the order: up, down, then as it came.
export function nextSort(text, column) {
  if (text === column) return `-${column}`;
  return text === `-${column}` ? undefined : column;
}
