/**
 * ONE TABLE: fields that are read and checked, but that this mesh does not act on yet. Each use gets a warning, so nothing is dropped silently.
 * A row is a path below `spec`: `[]` is every item, `=A|B` only these values, `!A` every value but these (in capitals). Whoever translates a field deletes its row.
 */
import { notApplied } from './checks.ts';
import { UNUSED_SETTINGS } from './mesh/settings.ts';
import type { Complaint } from './problem.ts';
import type { ActiveKind } from './resource.ts';

const SECTIONS = ['loadBalancer.zoneAwareLbSetting'];
const POLICY = [
  ...SECTIONS,
  ...SECTIONS.map((section) => `portLevelSettings[].${section}`),
  'tunnel',
  'proxyProtocol',
  'retryBudget.budgetInterval',
];

/** Rows by kind. */
export const NOT_APPLIED: Readonly<Record<ActiveKind, readonly string[]>> = {
  VirtualService: [],
  DestinationRule: [...POLICY.map((row) => `trafficPolicy.${row}`), ...POLICY.map((row) => `subsets[].trafficPolicy.${row}`)],
  // Connections are opened as they come, or passed on: nothing ends TLS here yet. Of a plain HTTP port's tls block only httpsRedirect is allowed, and that is applied.
  Gateway: [
    'servers[].port.protocol!HTTP|TCP|TLS|HTTPS',
    'servers[].tls=SIMPLE|MUTUAL|AUTO_PASSTHROUGH|ISTIO_MUTUAL|OPTIONAL_MUTUAL',
    'servers[].port.targetPort',
    'servers[].bind',
    'servers[].defaultEndpoint',
  ],
  ServiceEntry: ['resolution=DNS_ROUND_ROBIN', 'subjectAltNames', 'endpoints[].network'],
  WorkloadEntry: ['network'],
  EnvoyFilter: [],
  PeerAuthentication: [],
  AuthorizationPolicy: [],
  RequestAuthentication: [],
  ConfigMap: [...UNUSED_SETTINGS],
  Service: ['type=EXTERNALNAME', 'sessionAffinity=CLIENTIP', 'internalTrafficPolicy=LOCAL', 'ports[].protocol=UDP|SCTP'],
};

/** A warning for each use of such a field. spec: as its shape read it. */
export const complainOfNotApplied = (kind: ActiveKind, spec: unknown): Complaint[] =>
  NOT_APPLIED[kind].flatMap((row) => {
    const { steps, applies } = parseRow(row);
    return pathsOf(spec, steps, 'spec')
      .filter(({ value }) => applies(value))
      .map(({ path }) => notApplied(path));
  });

interface Row {
  readonly steps: readonly string[];
  readonly applies: (value: unknown) => boolean;
}

const parseRow = (row: string): Row => {
  const [, path = '', sign, words = ''] = /^([^=!]+)(?:([=!])(.*))?$/.exec(row) ?? [];
  const listed = (value: unknown): boolean => words.split('|').includes(wordOf(value));
  return { steps: path.split('.'), applies: sign === undefined ? () => true : (value) => listed(value) === (sign === '=') };
};

/** Case does not count, and a `tls` block is known by its mode. */
const wordOf = (value: unknown): string => String(isRecord(value) ? value.mode : value).toUpperCase();

const pathsOf = (value: unknown, [step, ...rest]: readonly string[], path: string): { path: string; value: unknown }[] => {
  if (step === undefined) return [{ path, value }];
  const name = step.replace('[]', '');
  const next = isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  if (next === undefined) return [];
  if (!step.endsWith('[]')) return pathsOf(next, rest, `${path}.${name}`);
  return Array.isArray(next) ? next.flatMap((item, index) => pathsOf(item, rest, `${path}.${name}[${index}]`)) : [];
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
