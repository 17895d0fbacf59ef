/** The live graph: who talks to whom, and is it well. Its text twin is the table beside it. */
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { openRequest } from '../components/x-ray.tsx';
import { figures, mesh, seenEdges, state } from '../live/store.ts';
import type { EdgeFigures } from '../live/types.ts';
import { milliseconds, partsOf, percent } from '../live/words.ts';
import { runDots } from './dots.ts';
import { BOX, LABEL, type Picture, type PlacedEdge, type PlacedNode, placeGraph } from './layout.ts';
import { lockOf, lockWords, Padlock } from './padlock.tsx';

/** What was clicked. */
export type Chosen =
  | { readonly kind: 'proxy'; readonly name: string }
  | { readonly kind: 'edge'; readonly from: string; readonly to: string };

/** Success as a word, so that colour is never alone. */
export const edgeTone = (edge: EdgeFigures | undefined): string => {
  if (edge === undefined) return 'idle';
  if (edge.success >= 0.99) return 'good';
  return edge.success >= 0.9 ? 'warn' : 'bad';
};

const onEnter = (act: () => void) => (event: KeyboardEvent) => {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  act();
};

const EdgeLine = ({
  edge,
  now,
  chosen,
  onChoose,
}: {
  edge: PlacedEdge;
  now: EdgeFigures | undefined;
  chosen: boolean;
  onChoose: (chosen: Chosen) => void;
}) => {
  const tone = edgeTone(now);
  const choose = () => onChoose({ kind: 'edge', from: edge.from, to: edge.to });
  const words =
    now === undefined
      ? 'no request in ten seconds'
      : `${now.rate} requests a second, ${percent(now.success)} good, p99 ${milliseconds(now.p99Ms)}${lockOf(now) === undefined ? '' : `, ${lockWords(now)}`}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button element
    <g
      class={`edge ${tone}${chosen ? ' chosen' : ''}`}
      role="button"
      tabindex={0}
      aria-label={`${edge.from} to ${edge.to}: ${words}`}
      onClick={choose}
      onKeyDown={onEnter(choose)}
    >
      <path class="edge-hit" d={edge.path} />
      <path
        class="edge-line"
        data-edge={`${edge.from} ${edge.to}`}
        d={edge.path}
        stroke-width={now === undefined ? 1.5 : Math.min(8, 1.5 + Math.sqrt(now.rate))}
        marker-end={`url(#tip-${tone})`}
      />
    </g>
  );
};

const EdgeText = ({ edge, now }: { edge: PlacedEdge; now: EdgeFigures | undefined }) => {
  const lock = lockOf(now);
  return now === undefined ? null : (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a group of SVG text cannot be focused; its line says the same
    <g class={`edge-text ${edgeTone(now)}`} transform={`translate(${edge.label.x} ${edge.label.y})`} aria-hidden="true">
      <rect x={-LABEL.width / 2} y={-LABEL.height / 2} width={LABEL.width} height={LABEL.height} rx="6" />
      {lock === undefined ? null : (
        <g transform={`translate(${-LABEL.width / 2 + 10} -10)`}>
          <Padlock lock={lock} />
        </g>
      )}
      <text x={lock === undefined ? 0 : 8} y="-5">
        {now.rate} req/s
      </text>
      <text y="12" class="second">
        {percent(now.success)} · {milliseconds(now.p99Ms)}
      </text>
    </g>
  );
};

const Node = ({
  node,
  isGateway,
  isAway,
  chosen,
  onChoose,
}: {
  node: PlacedNode;
  isGateway: boolean;
  /** Its proxy is not connected to the control plane. */
  isAway: boolean;
  chosen: boolean;
  onChoose: (chosen: Chosen) => void;
}) => {
  const { service, version } = partsOf(node.name);
  const choose = () => onChoose({ kind: 'proxy', name: node.name });
  const label = isGateway ? 'gateway' : service;
  const x = -BOX.width / 2;
  const under = isAway ? 'proxy away' : isGateway ? 'no program' : '+ sidecar proxy';
  return (
    // biome-ignore lint/a11y/useSemanticElements: SVG has no button element
    <g
      class={`node ${version || 'gateway'}${service === 'reviews' ? ' versioned' : ''}${isAway ? ' away' : ''}${chosen ? ' chosen' : ''}`}
      transform={`translate(${node.x} ${node.y})`}
      role="button"
      tabindex={0}
      aria-label={`${isGateway ? '' : version} ${label} ${under}: show the proxy of ${node.name}`.trim()}
      onClick={choose}
      onKeyDown={onEnter(choose)}
    >
      <rect class="box" x={x} y={-BOX.height / 2} width={BOX.width} height={BOX.height} rx="10" />
      <rect class="band" x={x} y={-BOX.height / 2} width="34" height={BOX.height} rx="10" />
      {isGateway ? (
        <path class="gate" d={`M${x + 9},0 h15 m-6,-6 l6,6 l-6,6 M${x + 9},-9 v18`} />
      ) : (
        <text class="letter" x={x + 17} y="5">
          {version}
        </text>
      )}{' '}
      <text class="name" x={x + 44} y={-3}>
        {label}
      </text>{' '}
      <text class="under" x={x + 44} y="16">
        {under}
      </text>
    </g>
  );
};

const Defs = () => (
  <defs>
    {['good', 'warn', 'bad', 'idle'].map((tone) => (
      <marker
        key={tone}
        id={`tip-${tone}`}
        class={`tip ${tone}`}
        viewBox="0 0 8 8"
        refX="7"
        refY="4"
        markerWidth="8"
        markerHeight="8"
        markerUnits="userSpaceOnUse"
        orient="auto"
      >
        <path d="M0,0 L8,4 L0,8 z" />
      </marker>
    ))}
    <pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect width="7" height="7" class="pattern-ground v2" />
      <rect width="2" height="7" class="pattern-mark" />
    </pattern>
    <pattern id="points" width="7" height="7" patternUnits="userSpaceOnUse">
      <rect width="7" height="7" class="pattern-ground v3" />
      <circle cx="2" cy="2" r="1.2" class="pattern-mark" />
    </pattern>
  </defs>
);

/** A box around each service that runs in more than one version. */
const ServiceFrames = ({ nodes }: { nodes: readonly PlacedNode[] }) => {
  const groups = Map.groupBy(nodes, (node) => partsOf(node.name).service);
  return (
    <>
      {[...groups]
        .filter(([, members]) => members.length > 1)
        .map(([service, members]) => {
          const top = Math.min(...members.map((node) => node.y)) - BOX.height / 2;
          const bottom = Math.max(...members.map((node) => node.y)) + BOX.height / 2;
          const left = Math.min(...members.map((node) => node.x)) - BOX.width / 2;
          const right = Math.max(...members.map((node) => node.x)) + BOX.width / 2;
          return (
            <rect
              key={service}
              class="service-frame"
              x={left - 9}
              y={top - 9}
              width={right - left + 18}
              height={bottom - top + 18}
              rx="14"
            />
          );
        })}
    </>
  );
};

/** Boxes and lines, laid out again only when there is a new one. A call that no host is known for has no box to end at. */
const usePicture = (): Picture => {
  const facts = mesh.value;
  const keys = [...seenEdges.value].sort().join('|');
  return useMemo(() => {
    const edges = keys
      .split('|')
      .map((key) => key.split(' '))
      .filter((ends): ends is [string, string] => ends.length === 2 && ends.every((end) => end !== ''));
    const named = [...(facts?.gateways ?? []), ...(facts?.workloads ?? [])].map(({ name }) => name);
    return placeGraph([...new Set([...named, ...edges.flat()])], edges);
  }, [keys, facts]);
};

/** Lets dots travel on the picture's lines while it is on screen. */
const useDots = (picture: Picture) => {
  const layer = useRef<SVGGElement>(null);
  const svg = useRef<SVGSVGElement>(null);
  useEffect(() => {
    const root = svg.current;
    const target = layer.current;
    if (root === null || target === null) return undefined;
    const line = (from: string, to: string) =>
      root.querySelector<SVGPathElement>(`[data-edge="${CSS.escape(from)} ${CSS.escape(to)}"]`) ?? undefined;
    return runDots(target, line, openRequest);
  }, [picture]);
  return { layer, svg };
};

/** chosen: what is highlighted. */
export const LiveGraph = ({ chosen, onChoose }: { chosen: Chosen | undefined; onChoose: (chosen: Chosen) => void }) => {
  const picture = usePicture();
  const { layer, svg } = useDots(picture);
  const now = new Map(figures.value?.edges.map((edge) => [`${edge.from} ${edge.to}`, edge]));
  const away = new Set(state.value?.proxies.missing);
  const gateways = new Set(mesh.value?.gateways.map(({ name }) => name));
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a picture
    <svg
      class="graph"
      ref={svg}
      viewBox={`0 0 ${picture.width} ${picture.height}`}
      role="group"
      aria-label="Live graph of the mesh. The table below says the same."
    >
      <Defs />
      <ServiceFrames nodes={picture.nodes} />
      {picture.edges.map((edge) => (
        <EdgeLine
          key={`${edge.from} ${edge.to}`}
          edge={edge}
          now={now.get(`${edge.from} ${edge.to}`)}
          chosen={chosen?.kind === 'edge' && chosen.from === edge.from && chosen.to === edge.to}
          onChoose={onChoose}
        />
      ))}
      {picture.edges.map((edge) => (
        <EdgeText key={`${edge.from} ${edge.to}`} edge={edge} now={now.get(`${edge.from} ${edge.to}`)} />
      ))}
      <g ref={layer} class="dots" />
      {picture.nodes.map((node) => (
        <Node
          key={node.name}
          node={node}
          isGateway={gateways.has(node.name)}
          isAway={away.has(node.name)}
          chosen={chosen?.kind === 'proxy' && chosen.name === node.name}
          onChoose={onChoose}
        />
      ))}
    </svg>
  );
};
