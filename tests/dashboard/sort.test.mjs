// Goal: an order that a reader expects, and that does not jump. Method: pure functions.
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { nextSort, parseSort, priorityRank, sortRows } from '../../dashboard/sort.js';

const ids = (rows) => rows.map((r) => r.id).join('');

describe('sort', () => {
  const rows = [{ id: 'a', v: 2 }, { id: 'b', v: null }, { id: 'c', v: 10 }, { id: 'd', v: 2 }];
  test('numbers are numbers, equal ones keep their order, the unknown comes last', () => {
    assert.equal(ids(sortRows(rows, (r) => r.v)), 'adcb');
    assert.equal(ids(sortRows(rows, (r) => r.v, true)), 'cadb');
    assert.equal(ids(rows), 'abcd', 'the rows given are as they were');
  });
  test('names with numbers in them are in the order of those', () => {
    assert.equal(ids(sortRows([{ id: 'x', v: 'gpu10' }, { id: 'y', v: 'gpu9' }], (r) => r.v)), 'yx');
  });
  test('classes are in their own order, what is no class after them', () => {
    assert.deepEqual(['background', 'x', 'interactive', 'workflow'].sort((a, b) => priorityRank(a) - priorityRank(b)), ['interactive', 'workflow', 'background', 'x']);
  });
  test('a click goes up, down, and back', () => {
    assert.equal(nextSort(undefined, 'a'), 'a');
    assert.equal(nextSort('a', 'a'), '-a');
    assert.equal(nextSort('-a', 'a'), undefined);
    assert.equal(nextSort('-b', 'a'), 'a');
    assert.deepEqual(parseSort('-a'), { column: 'a', descending: true });
    assert.equal(parseSort(undefined), undefined);
  });
});
