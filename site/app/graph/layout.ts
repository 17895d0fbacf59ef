/** Where the graph's boxes and lines go. Pure: the same nodes and edges give the same picture. */
import { Graph, layout } from '@dagrejs/dagre';

/** A point of the picture. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A placed box; x and y are its centre. */
export interface PlacedNode extends Point {
  readonly name: string;
}

/** A placed line with the place of its label. */
export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  /** Path data for SVG. */
  readonly path: string;
  readonly label: Point;
}

/** The whole picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** Size of a box. */
export const BOX = { width: 150, height: 58 } as const;
/** Room for a line's figures: a straight piece of the line with the text above it. */
export const LABEL = { width: 112, height: 36 } as const;
const CURVE = 42;
/** The figures keep clear of the frame round a service's versions. */
const CLEAR = 8;
const PORT_GAP = 9;

type Edge = readonly [string, string];

const VERSION = /^(.*?)(?:-v(\d+))?$/;

/** `reviews-v2` → its service and a number to sort by. */
const sortKeyOf = (name: string): { readonly service: string; readonly version: number } => {
  const found = VERSION.exec(name);
  return { service: found?.[1] ?? name, version: Number(found?.[2] ?? 0) };
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The same places in each column, taken in order: services stay together, their versions from the first down. */
const inOrder = (nodes: readonly PlacedNode[]): readonly PlacedNode[] =>
  [...Map.groupBy(nodes, ({ x }) => Math.round(x)).values()].flatMap((column) => {
    const places = column.map(({ y }) => y).sort((a, b) => a - b);
    const services = Map.groupBy(column, ({ name }) => sortKeyOf(name).service);
    return [...services.entries()]
      .sort(([a, left], [b, right]) => mean(left.map(({ y }) => y)) - mean(right.map(({ y }) => y)) || a.localeCompare(b))
      .flatMap(([, members]) => members.sort((a, b) => sortKeyOf(a.name).version - sortKeyOf(b.name).version))
      .map((node, i) => ({ ...node, y: places[i] ?? node.y }));
  });

/** A box alone in its column stands level with the middle of those that it talks to. */
const levelled = (nodes: readonly PlacedNode[], edges: readonly Edge[]): readonly PlacedNode[] => {
  const alone = new Set(
    [...Map.groupBy(nodes, ({ x }) => Math.round(x)).values()].flatMap((column) => (column.length === 1 ? column : [])),
  );
  const yOf = new Map(nodes.map(({ name, y }) => [name, y]));
  for (const { name } of alone) {
    const others = edges.flatMap(([from, to]) => (from === name ? [to] : to === name ? [from] : []));
    const ys = others.flatMap((other) => yOf.get(other) ?? []);
    const crowd = others.length > 1 ? ys : [];
    if (crowd.length > 0) yOf.set(name, (Math.min(...crowd) + Math.max(...crowd)) / 2);
  }
  return nodes.map((node) => ({ ...node, y: yOf.get(node.name) ?? node.y }));
};

/** How far from the middle of a box's side a line of several is fastened. */
const portOffset = (place: number, count: number): number => (place - (count - 1) / 2) * Math.min(PORT_GAP, (BOX.height - 16) / count);

interface Ends {
  readonly start: Point;
  readonly end: Point;
  /** True when the straight piece is at the callee's side: there fewer lines meet. */
  readonly straightAtEnd: boolean;
}

const endsOf = ([from, to]: Edge, edges: readonly Edge[], at: ReadonlyMap<string, PlacedNode>): Ends | undefined => {
  const source = at.get(from);
  const target = at.get(to);
  if (source === undefined || target === undefined) return undefined;
  const byY = (names: readonly string[]) => names.toSorted((a, b) => (at.get(a)?.y ?? 0) - (at.get(b)?.y ?? 0));
  const callees = byY(edges.flatMap(([a, b]) => (a === from ? [b] : [])));
  const callers = byY(edges.flatMap(([a, b]) => (b === to ? [a] : [])));
  return {
    start: { x: source.x + BOX.width / 2, y: source.y + portOffset(callees.indexOf(to), callees.length) },
    end: { x: target.x - BOX.width / 2, y: target.y + portOffset(callers.indexOf(from), callers.length) },
    straightAtEnd: callees.length >= callers.length,
  };
};

const between = (a: Point, b: Point): string => {
  const middle = (a.x + b.x) / 2;
  return `C${middle},${a.y} ${middle},${b.y} ${b.x},${b.y}`;
};

/** A bend and a straight piece, with the figures above the straight one. */
const neighbourEdge = ({ start, end, straightAtEnd }: Ends): { readonly path: string; readonly label: Point } => {
  const straight = Math.max(0, end.x - start.x - CURVE);
  const bend = straightAtEnd ? { x: end.x - straight, y: end.y } : { x: start.x + straight, y: start.y };
  const path = straightAtEnd
    ? `M${start.x},${start.y} ${between(start, bend)} L${end.x},${end.y}`
    : `M${start.x},${start.y} L${bend.x},${bend.y} ${between(bend, end)}`;
  const middle = straightAtEnd ? (bend.x + end.x) / 2 - CLEAR : (start.x + bend.x) / 2 + CLEAR;
  return { path, label: { x: middle, y: bend.y - LABEL.height / 2 - 3 } };
};

/** A line past other columns goes through the places that were kept free for it. */
const longEdge = ({ start, end }: Ends, kept: readonly Point[], label: Point): { readonly path: string; readonly label: Point } => {
  const stops = [start, ...kept, end];
  return {
    path: `M${start.x},${start.y} ${stops
      .slice(1)
      .map((stop, i) => between(stops[i] ?? start, stop))
      .join(' ')}`,
    label,
  };
};

/** A version that nobody calls yet belongs beside those that are called: lines that are laid out and not drawn. */
const siblingEdges = (names: readonly string[], edges: readonly Edge[]): readonly Edge[] => {
  const called = new Set(edges.map(([, to]) => to));
  return names
    .filter((name) => !called.has(name))
    .flatMap((name): readonly Edge[] => {
      const { service } = sortKeyOf(name);
      const callers = edges.filter(([from, to]) => sortKeyOf(to).service === service && from !== name).map(([from]) => from);
      const [caller] = callers;
      return caller === undefined ? [] : [[caller, name]];
    });
};

/** From left to right, callers first. */
export const placeGraph = (names: readonly string[], wanted: readonly Edge[]): Picture => {
  if (names.length === 0) return { width: 800, height: 300, nodes: [], edges: [] };
  const edges = wanted.filter(([from, to]) => from !== to);
  const graph = new Graph({ directed: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 26, ranksep: CURVE, marginx: 12, marginy: 22 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of names) graph.setNode(name, { ...BOX });
  for (const [from, to] of [...edges, ...siblingEdges(names, edges)]) graph.setEdge(from, to, { ...LABEL, labelpos: 'c' });
  layout(graph);
  const whole = graph.graph() as { width?: number; height?: number };
  const raw = names.map((name) => {
    const { x, y } = graph.node(name) as Point;
    return { name, x, y };
  });
  const nodes = levelled(inOrder(raw), edges);
  const at = new Map(nodes.map((node) => [node.name, node]));
  return {
    width: whole.width ?? 0,
    height: whole.height ?? 0,
    nodes,
    edges: edges.flatMap((edge) => {
      const ends = endsOf(edge, edges, at);
      if (ends === undefined) return [];
      const [from, to] = edge;
      const placed = graph.edge({ v: from, w: to }) as { points: Point[] } & Point;
      const isNear = ends.end.x > ends.start.x && ends.end.x - ends.start.x < LABEL.width + CURVE * 2;
      const drawn = isNear ? neighbourEdge(ends) : longEdge(ends, placed.points.slice(1, -1), { x: placed.x, y: placed.y });
      return [{ from, to, ...drawn }];
    }),
  };
};
