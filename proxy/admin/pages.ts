/** What one may ask a running proxy: paths → pages, as Envoy's admin port words them. Pure over read-only views. */
import type { MetricEntry } from '#system/metric-registry.ts';
import { BUCKETS, dottedName } from '#system/metric-registry.ts';

/** What the pages show. */
export interface AdminView {
  readonly state: () => 'LIVE' | 'DRAINING' | 'INITIALIZING';
  readonly metrics: () => readonly MetricEntry[];
  readonly resetCounters: () => void;
  readonly listeners: () => readonly { readonly name: string; readonly addresses: readonly string[] }[];
  readonly uptimeMs: () => number;
  readonly node: { readonly id: string; readonly cluster: string };
}

/** One answer. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: 'text/plain; charset=UTF-8' | 'application/json';
  readonly text: string;
}

const plain = (text: string, status = 200): AdminAnswer => ({ status, type: 'text/plain; charset=UTF-8', text });
const json = (value: unknown): AdminAnswer => ({ status: 200, type: 'application/json', text: JSON.stringify(value, null, 1) });

interface Page {
  readonly help: string;
  readonly changes?: true;
  readonly show: (view: AdminView, query: URLSearchParams) => AdminAnswer;
}

const filtered = (view: AdminView, query: URLSearchParams): MetricEntry[] => {
  const filter = query.get('filter');
  const pattern = filter === null ? undefined : new RegExp(filter);
  return view.metrics().filter((entry) => {
    const used = entry.type === 'histogram' ? entry.metric.count > 0 : entry.metric.value !== 0;
    return (!query.has('usedonly') || used) && (!pattern || pattern.test(dottedName(entry)));
  });
};

const valueText = (entry: MetricEntry): string =>
  entry.type === 'histogram' ? `count=${entry.metric.count} sum=${entry.metric.sum}` : String(entry.metric.value);

const stats = (view: AdminView, query: URLSearchParams): AdminAnswer => {
  const entries = filtered(view, query);
  if (query.get('format') === 'prometheus') return plain(prometheus(entries));
  if (query.get('format') !== 'json') return plain(entries.map((entry) => `${dottedName(entry)}: ${valueText(entry)}\n`).join(''));
  const simple = entries.flatMap((entry) => (entry.type === 'histogram' ? [] : [{ name: dottedName(entry), value: entry.metric.value }]));
  return json({ stats: simple });
};

const LABELS: Readonly<Record<string, string>> = {
  cluster: 'envoy_cluster_name',
  http: 'envoy_http_conn_manager_prefix',
  listener: 'envoy_listener_address',
};

/** Exposition text: one family per kind and name, the scope as a label. */
export const prometheus = (entries: readonly MetricEntry[]): string => {
  const families = new Map<string, MetricEntry[]>();
  for (const entry of entries) {
    const family = `envoy_${entry.kind}_${entry.name}`.replace(/[^a-zA-Z0-9_]/g, '_');
    families.set(family, [...(families.get(family) ?? []), entry]);
  }
  return [...families]
    .map(([family, members]) => `# TYPE ${family} ${members[0]?.type}\n${members.map((entry) => samples(family, entry)).join('')}`)
    .join('');
};

const samples = (family: string, entry: MetricEntry): string => {
  const escaped = entry.scope.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
  const label = entry.scope === '' ? [] : [`${LABELS[entry.kind] ?? 'envoy_scope'}="${escaped}"`];
  const line = (suffix: string, value: number, extra: readonly string[] = []): string =>
    `${family}${suffix}{${[...label, ...extra].join(',')}} ${value}\n`;
  if (entry.type !== 'histogram') return line('', entry.metric.value);
  let below = 0;
  const buckets = BUCKETS.map((bound, index) => {
    below += entry.metric.counts[index] ?? 0;
    return line('_bucket', below, [`le="${bound}"`]);
  });
  return `${buckets.join('')}${line('_bucket', entry.metric.count, ['le="+Inf"'])}${line('_sum', entry.metric.sum)}${line('_count', entry.metric.count)}`;
};

const PAGES: Readonly<Record<string, Page>> = {
  '/help': { help: 'print out list of admin commands', show: () => plain(`admin commands are:\n${commands()}`) },
  '/listeners': {
    help: 'print listener info',
    show: (view) =>
      plain(
        view
          .listeners()
          .map(({ name, addresses }) => `${name}::${addresses.join(',')}\n`)
          .join(''),
      ),
  },
  '/ready': {
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    show: (view) => plain(`${view.state()}\n`, view.state() === 'LIVE' ? 200 : 503),
  },
  '/reset_counters': {
    help: 'reset all counters to zero',
    changes: true,
    show: (view) => {
      view.resetCounters();
      return plain('OK\n');
    },
  },
  '/server_info': {
    help: 'print server version/status information',
    show: (view) =>
      json({ version: 'dinghy', state: view.state(), uptime_current_epoch: `${Math.floor(view.uptimeMs() / 1000)}s`, node: view.node }),
  },
  '/stats': { help: 'print server stats', show: stats },
  '/stats/prometheus': { help: 'print server stats in prometheus format', show: (view, query) => plain(prometheus(filtered(view, query))) },
};

const commands = (): string =>
  Object.entries(PAGES)
    .map(([path, page]) => `  ${path}${page.changes ? ' (POST)' : ''}: ${page.help}\n`)
    .join('');

const isLocal = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);

/** authority and origin guard against pages of other sites that reach for a local port. */
export const adminAnswer = (
  request: { readonly method: string; readonly path: string; readonly authority: string; readonly origin: string | undefined },
  view: AdminView,
): AdminAnswer => {
  if (!isLocal(request.authority) || (request.origin !== undefined && request.origin !== `http://${request.authority}`))
    return plain('only for this machine\n', 403);
  const [path = '', query = ''] = request.path.split('?', 2);
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
  if (!page) return plain(`invalid path. admin commands are:\n${commands()}`, 404);
  if (page.changes && request.method !== 'POST') return plain(`Method ${request.method} not allowed, POST required.`, 405);
  try {
    return page.show(view, new URLSearchParams(query));
  } catch (error) {
    return plain(`${error instanceof Error ? error.message : String(error)}\n`, 400);
  }
};
