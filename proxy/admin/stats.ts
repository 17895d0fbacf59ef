/** The numbers of a proxy as text, JSON and Prometheus' exposition format. */
import { BUCKETS, dottedName, type MetricEntry } from '#system/metric-registry.ts';
import { type AdminAnswer, AdminRequestError, json, plain } from './answer.ts';
import { search } from './search.ts';

/** Query of the page: which numbers, in which form. */
export const stats = (entries: readonly MetricEntry[], query: URLSearchParams): AdminAnswer => {
  const chosen = filtered(entries, query);
  const format = query.get('format') ?? 'text';
  if (format === 'prometheus') return plain(prometheus(chosen));
  if (format === 'text') return plain(chosen.map((entry) => `${dottedName(entry)}: ${valueText(entry)}\n`).join(''));
  if (format !== 'json') throw new AdminRequestError('usage: /stats?format=(json|prometheus|text)\n');
  return json({
    stats: chosen.flatMap((entry) => (entry.type === 'histogram' ? [] : [{ name: dottedName(entry), value: entry.metric.value }])),
  });
};

/** Those that `filter` (a regular expression) and `usedonly` let through. */
export const filtered = (entries: readonly MetricEntry[], query: URLSearchParams): MetricEntry[] => {
  const matches = search(query.get('filter'));
  return entries.filter((entry) => {
    const used = entry.type === 'histogram' ? entry.metric.count > 0 : entry.metric.value !== 0;
    return (!query.has('usedonly') || used) && (!matches || matches(dottedName(entry)));
  });
};

const valueText = (entry: MetricEntry): string =>
  entry.type === 'histogram' ? `count=${entry.metric.count} sum=${entry.metric.sum}` : String(entry.metric.value);

const LABELS: Readonly<Record<string, string>> = {
  cluster: 'envoy_cluster_name',
  http: 'envoy_http_conn_manager_prefix',
  listener: 'envoy_listener_address',
};

/** Exposition text: one family per kind and name, the scope as a label. */
export const prometheus = (entries: readonly MetricEntry[]): string => {
  const families = Map.groupBy(entries, (entry) => `envoy_${entry.kind}_${entry.name}`.replace(/[^a-zA-Z0-9_]/g, '_'));
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
