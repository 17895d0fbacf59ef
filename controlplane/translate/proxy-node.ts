/** The node message → who is asking. Pure. */
import { parseNodeId } from '#api/names.ts';
import type { Node } from '#envoy';
import type { ProxyNode } from '../mesh/mesh.ts';

export type { ProxyNode };

/** Undefined when the id has not the form that injection writes. Metadata of another shape counts as absent. */
export const readProxyNode = (node: Node): ProxyNode | undefined => {
  const parts = parseNodeId(node.id);
  if (parts === undefined) return undefined;
  const metadata: Readonly<Record<string, unknown>> = node.metadata ?? {};
  const serviceAccount = metadata.SERVICE_ACCOUNT;
  return {
    id: node.id,
    type: parts.type,
    ip: parts.ip,
    workload: parts.workload,
    namespace: parts.namespace,
    labels: readLabels(metadata.LABELS),
    serviceAccount: typeof serviceAccount === 'string' ? serviceAccount : 'default',
    appPorts: readPorts(metadata.APP_PORTS),
  };
};

const entriesOf = (value: unknown): [string, unknown][] => (typeof value === 'object' && value !== null ? Object.entries(value) : []);

const readLabels = (value: unknown): Record<string, string> =>
  Object.fromEntries(entriesOf(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

const readPorts = (value: unknown): Record<string, number> => {
  if (typeof value !== 'string') return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return Object.fromEntries(entriesOf(parsed).filter((entry): entry is [string, number] => Number.isInteger(entry[1])));
  } catch {
    return {};
  }
};
