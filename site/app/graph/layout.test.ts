import { expect, test } from 'vitest';
import { BOX, LABEL, placeGraph } from './layout.ts';

const NAMES = ['gateway', 'details-v1', 'ratings-v1', 'reviews-v3', 'reviews-v1', 'reviews-v2', 'productpage-v1'];
const EDGES: [string, string][] = [
  ['gateway', 'productpage-v1'],
  ['productpage-v1', 'reviews-v3'],
  ['productpage-v1', 'details-v1'],
  ['productpage-v1', 'reviews-v1'],
  ['productpage-v1', 'reviews-v2'],
  ['reviews-v2', 'ratings-v1'],
  ['reviews-v3', 'ratings-v1'],
];
const { nodes, edges, width, height } = placeGraph(NAMES, EDGES);
const at = (name: string) => nodes.find((node) => node.name === name) ?? { x: Number.NaN, y: Number.NaN };

const overlap = (
  a: { x: number; y: number },
  sizeA: typeof BOX | typeof LABEL,
  b: { x: number; y: number },
  sizeB: typeof BOX | typeof LABEL,
) => Math.abs(a.x - b.x) < (sizeA.width + sizeB.width) / 2 - 1 && Math.abs(a.y - b.y) < (sizeA.height + sizeB.height) / 2 - 1;

test('versions of a service stand together, the first on top', () => {
  expect(at('reviews-v1').y).toBeLessThan(at('reviews-v2').y);
  expect(at('reviews-v2').y).toBeLessThan(at('reviews-v3').y);
  const others = nodes.filter(({ name, x }) => x === at('reviews-v1').x && !name.startsWith('reviews'));
  for (const { y } of others) expect(y < at('reviews-v1').y || y > at('reviews-v3').y).toBe(true);
});

test('no figures lie on a box or on other figures, and everything is inside the picture', () => {
  for (const edge of edges) {
    for (const node of nodes) expect(overlap(edge.label, LABEL, node, BOX), `${edge.from} → ${edge.to} on ${node.name}`).toBe(false);
    for (const other of edges) if (other !== edge) expect(overlap(edge.label, LABEL, other.label, LABEL)).toBe(false);
    expect(edge.label.y - LABEL.height / 2).toBeGreaterThanOrEqual(0);
  }
  for (const { x, y } of nodes) {
    expect(x - BOX.width / 2 >= 0 && x + BOX.width / 2 <= width).toBe(true);
    expect(y - BOX.height / 2 >= 0 && y + BOX.height / 2 <= height).toBe(true);
  }
});

test('a version without traffic stands with its siblings', () => {
  const quiet = placeGraph(
    NAMES,
    EDGES.filter((edge) => !edge.includes('reviews-v3')),
  );
  const xOf = (name: string) => quiet.nodes.find((node) => node.name === name)?.x;
  expect(xOf('reviews-v3')).toBe(xOf('reviews-v1'));
  expect(quiet.edges.some(({ to }) => to === 'reviews-v3')).toBe(false);
});

test('circles and calls past a column are drawn too', () => {
  const picture = placeGraph(
    ['a', 'b', 'c'],
    [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
      ['a', 'c'],
      ['b', 'b'],
    ],
  );
  expect(picture.edges.map(({ from, to }) => `${from}${to}`).sort()).toEqual(['ab', 'ac', 'bc', 'ca']);
  for (const { path } of picture.edges) expect(path).not.toMatch(/NaN|undefined/);
});
