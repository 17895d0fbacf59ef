/** The page's one live connection, and the signals that everything on screen is made from. */
import { signal } from '@preact/signals';
import { get, post } from './api.ts';
import type { Figures, LoggedExchange, MeshFacts, MeshState } from './types.ts';

const TAPE_LENGTH = 200;
const OWN_USER_AGENT = 'dinghy-send';
const SLOW_AFTER_MS = 3_000;
/** Text that changes oftener cannot be read. */
const TAPE_EVERY_MS = 500;

/** Facts of the mesh; undefined until the server has answered. */
export const mesh = signal<MeshFacts | undefined>(undefined);
/** Figures of the last ten seconds. */
export const figures = signal<Figures | undefined>(undefined);
/** Load and proxies. */
export const state = signal<MeshState | undefined>(undefined);
/** Last exchanges of callers' proxies and gateways, and connections that any proxy refused, newest first. */
export const tape = signal<readonly LoggedExchange[]>([]);
/** Exchanges that the server left out of the stream because the page was slow. */
export const skipped = signal(0);
/** Whether the live stream is up. */
export const connection = signal<'opening' | 'live' | 'lost'>('opening');
/** Why changes are refused, when they are. */
export const closedReason = signal('');
/** Request ids of what this learner sent. */
export const ownIds = signal<ReadonlySet<string>>(new Set());
/** Every edge seen since the page was opened: the graph keeps its shape when traffic stops. */
export const seenEdges = signal<ReadonlySet<string>>(new Set());

const listeners = new Set<(exchange: LoggedExchange) => void>();

/** Calls back for each exchange of a caller's proxy as it arrives; gives the way to stop. */
export const onExchange = (listener: (exchange: LoggedExchange) => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

const addEdges = (edges: readonly { readonly from: string; readonly to: string }[]): void => {
  const fresh = edges.map(({ from, to }) => `${from} ${to}`).filter((key) => !seenEdges.value.has(key));
  if (fresh.length > 0) seenEdges.value = new Set([...seenEdges.value, ...fresh]);
};

let lastSeq = 0;
let untaped: readonly LoggedExchange[] = [];
let unsaidSkipped = 0;
let tapedAtMs = 0;
let taping: ReturnType<typeof setTimeout> | undefined;

/** The first at once, the rest twice a second. */
const writeTape = (): void => {
  taping = undefined;
  tapedAtMs = performance.now();
  tape.value = [...untaped, ...tape.value].slice(0, TAPE_LENGTH);
  if (unsaidSkipped > 0) skipped.value += unsaidSkipped;
  untaped = [];
  unsaidSkipped = 0;
};

const addExchanges = (exchanges: readonly LoggedExchange[], left: number): void => {
  const calls = exchanges.filter(({ side, refused }) => side !== 'inbound' && refused === undefined);
  const own = exchanges.filter((exchange) => exchange.userAgent === OWN_USER_AGENT).map((exchange) => exchange.requestId);
  if (own.length > 0) ownIds.value = new Set([...[...ownIds.value].slice(-2_000), ...own]);
  addEdges(calls.map(({ reporter, to }) => ({ from: reporter, to })));
  const fresh = exchanges.filter(({ side, refused, seq }) => (side !== 'inbound' || refused !== undefined) && seq > lastSeq);
  if (fresh.length === 0) return;
  lastSeq = fresh.at(-1)?.seq ?? lastSeq;
  untaped = [...fresh.toReversed(), ...untaped].slice(0, TAPE_LENGTH);
  unsaidSkipped += left;
  if (taping === undefined) taping = setTimeout(writeTape, Math.max(0, tapedAtMs + TAPE_EVERY_MS - performance.now()));
  for (const exchange of fresh) if (exchange.refused === undefined) for (const listener of listeners) listener(exchange);
};

const readKey = async (): Promise<void> => {
  const key = new URLSearchParams(location.hash.slice(1)).get('key');
  if (key === null) return;
  history.replaceState(null, '', location.pathname + location.search);
  try {
    await post('/session', { key });
  } catch (error) {
    closedReason.value = error instanceof Error ? error.message : String(error);
  }
};

const openStream = (): void => {
  const source = new EventSource('/api/events');
  source.addEventListener('open', () => {
    connection.value = 'live';
  });
  source.addEventListener('error', () => {
    connection.value = 'lost';
  });
  source.addEventListener('exchanges', (event) => {
    const { exchanges, skipped: left } = JSON.parse(event.data) as { exchanges: LoggedExchange[]; skipped: number };
    addExchanges(exchanges, left);
  });
  source.addEventListener('figures', (event) => {
    const told = JSON.parse(event.data) as { figures: Figures; state: MeshState };
    figures.value = told.figures;
    state.value = told.state;
    addEdges(told.figures.edges);
  });
};

/** Takes the key out of the address, learns what the mesh is, and opens the stream. Called once. */
export const openStore = async (): Promise<void> => {
  const late = setTimeout(() => {
    if (mesh.value === undefined) connection.value = 'lost';
  }, SLOW_AFTER_MS);
  await readKey();
  mesh.value = await get<MeshFacts>('/mesh');
  clearTimeout(late);
  openStream();
};
