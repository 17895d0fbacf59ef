/** The node message → who is asking. Pure. */
import { parseNodeId } from '#api/names.ts';
import type { Node } from '#envoy';
import { ipFamily } from '#system/ip.ts';
import { localityLabel } from '../mesh/labels.ts';
import type { ProxyNode } from '../mesh/mesh.ts';

export type { ProxyNode };

/** Longest id that is read: type, address, two names of Kubernetes' length and a domain. */
const LONGEST_ID = 1024;

/**
 * Undefined when the id has not the form that injection writes. Metadata of another shape counts as absent.
 * What is taken from here ends up in other proxies' resources: an address that is none would make them refuse all their endpoints.
 */
export const readProxyNode = (node: Node): ProxyNode | undefined => {
  const parts = node.id.length > LONGEST_ID ? undefined : parseNodeId(node.id);
  if (parts === undefined || ipFamily(parts.ip) === 0) return undefined;
  const metadata: Readonly<Record<string, unknown>> = node.metadata ?? {};
  const serviceAccount = metadata.SERVICE_ACCOUNT;
  const labels = readLabels(metadata.LABELS);
  const locality = localityLabel(labels) ?? readLocality(node.locality);
  return {
    id: node.id,
    type: parts.type,
    ip: parts.ip,
    workload: parts.workload,
    namespace: parts.namespace,
    labels,
    serviceAccount: typeof serviceAccount === 'string' ? serviceAccount : 'default',
    appPorts: readPorts(metadata.APP_PORTS),
    ...(locality && { locality }),
    ...(isWeight(metadata.WEIGHT) && { weight: metadata.WEIGHT }),
    ...(metadata.GENERATOR === 'grpc' && { isProxyless: true }),
    ...(metadata.INTERCEPTION_MODE === 'REDIRECT' && { interception: 'REDIRECT' }),
  };
};

/** Parts that a proxy does not tell are empty; none at the end is written. */
const readLocality = (locality: Node['locality']): string | undefined =>
  locality && [locality.region, locality.zone, locality.subZone].join('/').replace(/\/+$/, '');

/** Envoy refuses an assignment in which weights add up to more than 32 bits hold. */
const HEAVIEST = 1_000_000;

const isWeight = (value: unknown): value is number => Number.isInteger(value) && Number(value) > 0 && Number(value) <= HEAVIEST;

const entriesOf = (value: unknown): [string, unknown][] => (typeof value === 'object' && value !== null ? Object.entries(value) : []);

const readLabels = (value: unknown): Record<string, string> =>
  Object.fromEntries(entriesOf(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

const isPort = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;

const readPorts = (value: unknown): Record<string, number> => {
  if (typeof value !== 'string') return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return Object.fromEntries(entriesOf(parsed).filter((entry): entry is [string, number] => isPort(Number(entry[0])) && isPort(entry[1])));
  } catch {
    return {};
  }
};
