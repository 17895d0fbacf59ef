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
export const BOX = { width: 152, height: 60 } as const;
const LABEL = { width: 118, height: 34 } as const;

const curve = (points: readonly Point[]): string => {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const last = rest.at(-1) ?? first;
  const inner = rest.slice(0, -1);
  let path = `M${first.x},${first.y}`;
  for (const [i, point] of inner.entries()) {
    const next = inner[i + 1] ?? last;
    const end = i === inner.length - 1 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += ` Q${point.x},${point.y} ${end.x},${end.y}`;
  }
  return inner.length === 0 ? `${path} L${last.x},${last.y}` : path;
};

/** From left to right, callers first. */
export const placeGraph = (names: readonly string[], edges: readonly (readonly [string, string])[]): Picture => {
  if (names.length === 0) return { width: 800, height: 300, nodes: [], edges: [] };
  const graph = new Graph({ directed: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 26, ranksep: 30, marginx: 12, marginy: 22 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const name of names) graph.setNode(name, { ...BOX });
  for (const [from, to] of edges) if (from !== to) graph.setEdge(from, to, { ...LABEL, labelpos: 'c' });
  layout(graph);
  const whole = graph.graph() as { width?: number; height?: number };
  return {
    width: whole.width ?? 0,
    height: whole.height ?? 0,
    nodes: names.map((name) => {
      const { x, y } = graph.node(name) as Point;
      return { name, x, y };
    }),
    edges: edges
      .filter(([from, to]) => from !== to)
      .map(([from, to]) => {
        const placed = graph.edge({ v: from, w: to }) as { points: Point[] } & Point;
        const falls = (placed.points.at(-1)?.y ?? 0) - (placed.points[0]?.y ?? 0) > 30;
        // Above the line, and to the right of one that falls: there nothing else is drawn.
        return { from, to, path: curve(placed.points), label: { x: placed.x + (falls ? 24 : 0), y: placed.y - (falls ? 26 : 21) } };
      }),
  };
};
