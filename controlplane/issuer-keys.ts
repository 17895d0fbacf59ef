/** Keys that the mesh's RequestAuthentications leave to be fetched, as the mesh has them; and where an issuer that runs in the mesh is dialled. */
import type { SocketAddress } from '#system/network.ts';
import type { System } from '#system/system.ts';
import { KeySets, type WantedKeySet } from './jwks/key-sets.ts';
import { keySourceOf } from './mesh/key-source.ts';
import type { Mesh } from './mesh/mesh.ts';
import { durationMs } from './resources/checks.ts';
import { endpointsOf } from './translate/endpoints/endpoints.ts';

/** Istio's: an issuer may take so long to answer. */
const ANSWERS_WITHIN_MS = 5_000;

/** own: where this control plane listens. changed: some key is another one now, so proxies are told. */
export interface IssuerKeysOptions {
  readonly mesh: () => Mesh;
  readonly own: () => readonly SocketAddress[];
  readonly changed: () => void;
}

/** Nothing is fetched before `want`. */
export const issuerKeys = ({ mesh, own, changed }: IssuerKeysOptions, system: System): KeySets =>
  new KeySets(system, { own, endpointsOf: (host, port) => dialled(mesh(), host, port) }, changed);

/** Where the keys of these policies come from, each source once; a slow rule gives its source more time. */
export const wantedKeySets = (policies: Mesh['requestAuthentications']): WantedKeySet[] => {
  const wanted = new Map<string, WantedKeySet>();
  for (const rule of policies.flatMap(({ resource }) => resource.spec.jwtRules ?? [])) {
    const source = keySourceOf(rule);
    if (source === undefined) continue;
    const timeoutMs = rule.timeout === undefined ? ANSWERS_WITHIN_MS : durationMs(rule.timeout);
    wanted.set(source.id, { ...source, timeoutMs: Math.max(timeoutMs, wanted.get(source.id)?.timeoutMs ?? 0) });
  }
  return [...wanted.values()];
};

/** Programs behind a service of the mesh: the control plane has no sidecar that would know its name. */
const dialled = (mesh: Mesh, host: string, port: number): SocketAddress[] | undefined => {
  const service = mesh.services.find(({ hostname, namespace }) => hostname === host || `${hostname.split('.')[0]}.${namespace}` === host);
  const opened = service?.ports.find(({ number }) => number === port);
  if (service?.discovery !== 'selected' || opened === undefined) return undefined;
  return endpointsOf(mesh, service, opened, {}).map((endpoint) => ({ address: endpoint.address, port: endpoint.port }));
};
