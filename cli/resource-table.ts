/** Resources as kubectl prints them: columns by kind. Pure. */
import { parse } from 'yaml';
import type { StoredResource } from '#api/resource.ts';
import { table } from './output.ts';

type Spec = Readonly<Record<string, unknown>>;
type Column = readonly [title: string, cell: (spec: Spec) => string];

const words = (value: unknown): string => (Array.isArray(value) && value.length > 0 ? JSON.stringify(value) : '');
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));
const field =
  (name: string): Column[1] =>
  (spec) =>
    Array.isArray(spec[name]) ? words(spec[name]) : text(spec[name]);

const ports = ({ ports: list }: Spec): string =>
  Array.isArray(list)
    ? list.map((port: { port?: unknown; protocol?: unknown }) => `${text(port.port)}/${text(port.protocol ?? 'TCP')}`).join(',')
    : '';

/** Those of Istio's CRDs, and kubectl's for services. */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  VirtualService: [
    ['GATEWAYS', field('gateways')],
    ['HOSTS', field('hosts')],
  ],
  DestinationRule: [['HOST', field('host')]],
  ServiceEntry: [
    ['HOSTS', field('hosts')],
    ['LOCATION', field('location')],
    ['RESOLUTION', field('resolution')],
  ],
  WorkloadEntry: [['ADDRESS', field('address')]],
  Service: [
    ['TYPE', (spec) => text(spec.type ?? 'ClusterIP')],
    ['PORT(S)', ports],
  ],
};

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** `45s`, `3m`, `2h`, `9d`. */
export const ageOf = (createdAt: string, nowMs: number): string => {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(createdAt)) / 1000));
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.floor(seconds / size)}${unit}`;
};

const specOf = ({ yaml }: StoredResource): Spec => {
  const document = parse(yaml, { merge: true }) as { readonly spec?: Spec } | null;
  return document?.spec ?? {};
};

/** One table a kind when a single kind is asked for, else one with the kinds in it. wide: also where each was written. */
export const resourceTable = (
  found: readonly StoredResource[],
  { wide, nowMs }: { readonly wide: boolean; readonly nowMs: number },
): string => {
  const [first] = found;
  if (first === undefined) return 'No resources found.';
  const isOneKind = found.every(({ kind }) => kind === first.kind);
  const own = isOneKind ? (COLUMNS[first.kind] ?? []) : [];
  const head = ['NAMESPACE', ...(isOneKind ? [] : ['KIND']), 'NAME', ...own.map(([title]) => title), 'AGE', ...(wide ? ['FROM'] : [])];
  const rows = found.map((one) => {
    const spec = own.length > 0 ? specOf(one) : {};
    const cells = own.map(([, cell]) => cell(spec));
    const kind = isOneKind ? [] : [one.kind];
    return [one.namespace, ...kind, one.name, ...cells, ageOf(one.createdAt, nowMs), ...(wide ? [`${one.file}:${one.line}`] : [])];
  });
  return table(head, rows);
};
