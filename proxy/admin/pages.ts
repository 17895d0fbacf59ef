/** What one may ask a running proxy: paths → pages, as Envoy's admin port words them. Pure but for the view's actions. */
import { type AdminAnswer, AdminRequestError, json, plain } from './answer.ts';
import { breakers } from './breakers.ts';
import { certificates } from './certificates.ts';
import { clusters } from './clusters.ts';
import { configDump } from './config-dump.ts';
import { outliers } from './outliers.ts';
import { filtered, prometheus, stats } from './stats.ts';
import type { AdminView } from './view.ts';

interface Page {
  readonly help: string;
  readonly changes?: true;
  readonly show: (view: AdminView, query: URLSearchParams) => AdminAnswer;
}

/** What was asked. */
export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly origin: string | undefined;
}

const OK = plain('OK\n');

const done = (act: () => void): AdminAnswer => {
  act();
  return OK;
};

const seconds = (ms: number): string => `${Math.floor(ms / 1000)}s`;

const serverInfo = (view: AdminView): AdminAnswer =>
  json({
    version: view.version,
    state: view.state(),
    uptime_current_epoch: seconds(view.uptimeMs()),
    uptime_all_epochs: seconds(view.uptimeMs()),
    hot_restart_version: 'disabled',
    command_line_options: view.options(),
    node: view.node(),
  });

const memory = (view: AdminView): AdminAnswer => {
  const { allocated, heapSize, total } = view.memory();
  return json({ allocated: String(allocated), heap_size: String(heapSize), total_physical_bytes: String(total) });
};

const listeners = (view: AdminView, query: URLSearchParams): AdminAnswer => {
  const all = view.listeners();
  if (query.get('format') !== 'json') return plain(all.map(({ name, addresses }) => `${name}::${addresses.join(',')}\n`).join(''));
  return json({
    listener_statuses: all.map(({ name, addresses }) => {
      const [first, ...more] = addresses.map(addressOf);
      return { name, ...(first && { local_address: first }), ...(more.length > 0 && { additional_local_addresses: more }) };
    }),
  });
};

const addressOf = (text: string): object => {
  const colon = text.lastIndexOf(':');
  return { socket_address: { address: text.slice(0, colon), port_value: Number(text.slice(colon + 1)) } };
};

/** `?level=debug`, or `?anything=debug`: there is one logger. Without a query: only tells. */
const logging = (view: AdminView, query: URLSearchParams): AdminAnswer => {
  const level = query.get('level') ?? [...query.values()][0];
  return plain(`active loggers:\n  dinghy: ${view.actions.logging(level)}\n`);
};

/** `?advance_ms=N`; a year at most. */
const clock = (view: AdminView, query: URLSearchParams): AdminAnswer => {
  const text = query.get('advance_ms') ?? '';
  if (!/^\d{1,11}$/.test(text)) throw new Error('advance_ms: a number of milliseconds is needed');
  return json({ ahead_ms: view.actions.shiftClock(Number(text)) });
};

const tapped = (view: AdminView): AdminAnswer => {
  const connections = view.tapped();
  return connections === undefined ? plain('there is no tap: start with --wire-tap\n', 404) : json({ connections });
};

/** `?connections=4&ports=15001,9080` */
const armTap = (view: AdminView, query: URLSearchParams): AdminAnswer => {
  const [connections = '', ports = ''] = [query.get('connections') ?? '', query.get('ports') ?? ''];
  if (!/^\d{1,2}$/.test(connections)) throw new Error('connections: a number of connections is needed, 32 at most');
  if (!/^\d{1,5}(?:,\d{1,5}){0,15}$/.test(ports)) throw new Error('ports: port numbers separated by commas are needed');
  return done(() => view.actions.armTap(Number(connections), ports.split(',').map(Number)));
};

const PAGES: Readonly<Record<string, Page>> = {
  '/breakers': { help: 'what is in use of the limits of each cluster; filter', show: (view, query) => breakers(view.breakers(), query) },
  '/certs': { help: 'print certs on machine', show: certificates },
  '/clock': { help: 'put the clock forward; advance_ms', changes: true, show: clock },
  '/clusters': { help: 'upstream cluster status', show: (view, query) => clusters(view.clusters(), query) },
  '/config_dump': { help: 'dump current configs', show: (view, query) => configDump(view.configuration(), query) },
  '/drain_listeners': {
    help: 'drain listeners; inboundonly, graceful',
    changes: true,
    show: (view, query) =>
      done(() => view.actions.drainListeners({ inboundOnly: query.has('inboundonly'), graceful: query.has('graceful') })),
  },
  '/healthcheck/fail': {
    help: 'cause the server to fail health checks',
    changes: true,
    show: (view) => done(() => view.actions.failHealthChecks(true)),
  },
  '/healthcheck/ok': {
    help: 'cause the server to pass health checks',
    changes: true,
    show: (view) => done(() => view.actions.failHealthChecks(false)),
  },
  '/help': { help: 'print out list of admin commands', show: () => plain(`admin commands are:\n${commands()}`) },
  '/hot_restart_version': { help: 'print the hot restart compatibility version', show: () => plain('disabled\n') },
  '/listeners': { help: 'print listener info', show: listeners },
  '/logging': { help: 'query or change logging levels', changes: true, show: logging },
  '/memory': { help: 'print current allocation/heap usage', show: memory },
  '/outliers': { help: 'strikes and ejections of hosts; filter', show: (view, query) => outliers(view.outliers(), query) },
  '/quitquitquit': { help: 'exit the server', changes: true, show: (view) => done(() => view.actions.quit()) },
  '/ready': {
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    show: (view) => plain(`${view.state()}\n`, view.state() === 'LIVE' ? 200 : 503),
  },
  '/reset_counters': {
    help: 'reset all counters to zero',
    changes: true,
    show: (view) => done(() => view.actions.resetCounters()),
  },
  '/runtime': { help: 'print runtime values', show: () => json({ layers: [], entries: {} }) },
  '/server_info': { help: 'print server version/status information', show: serverInfo },
  '/stats': { help: 'print server stats', show: (view, query) => stats(view.metrics(), query) },
  '/stats/prometheus': {
    help: 'print server stats in prometheus format',
    show: (view, query) => plain(prometheus(filtered(view.metrics(), query))),
  },
  '/tap': { help: 'what the tap recorded of connections, bytes in base64', show: tapped },
  '/tap/arm': { help: 'record the next connections; connections, ports', changes: true, show: armTap },
};

const commands = (): string =>
  Object.entries(PAGES)
    .map(([path, page]) => `  ${path}${page.changes ? ' (POST)' : ''}: ${page.help}\n`)
    .join('');

const isLocal = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);

/** authority and origin guard against pages of other sites that reach for a local port. */
export const adminAnswer = (request: AdminRequest, view: AdminView): AdminAnswer => {
  if (!isLocal(request.authority) || (request.origin !== undefined && request.origin !== `http://${request.authority}`))
    return plain('only for this machine\n', 403);
  const [path = '', query = ''] = request.path.split('?', 2);
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
  if (!page) return plain(`invalid path. admin commands are:\n${commands()}`, 404);
  if (page.changes ? request.method !== 'POST' : request.method !== 'GET' && request.method !== 'HEAD')
    return plain(`Method ${request.method} not allowed, ${page.changes ? 'POST' : 'GET'} required.`, 405);
  try {
    return page.show(view, new URLSearchParams(query));
  } catch (error) {
    return plain(`${error instanceof Error ? error.message : String(error)}\n`, error instanceof AdminRequestError ? error.status : 400);
  }
};
