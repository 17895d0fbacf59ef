/** Names → endpoints, asked again and again. When the resolver fails, what it said last stays in force. */
import type { System } from '#system/system.ts';
import type { Discovery, DnsFamily } from './compile-cluster.ts';
import { type EndpointConfig, type Endpoints, hostKey, type LocalityConfig } from './compile-endpoints.ts';

type StrictDns = Extract<Discovery, { kind: 'strict-dns' }>;

const isAddress = (name: string): boolean => /^[\d.]+$/.test(name) || name.includes(':');

const accepts = (family: DnsFamily, address: string): boolean => family === 'any' || (family === 'v6') === address.includes(':');

const ofAddress = (endpoint: EndpointConfig, address: string): EndpointConfig => ({
  ...endpoint,
  key: hostKey(address, endpoint.port),
  address,
  hostname: endpoint.hostname === '' ? endpoint.address : endpoint.hostname,
});

const resolveLocality = async (locality: LocalityConfig, lookUp: (name: string) => Promise<readonly string[]>): Promise<LocalityConfig> => {
  const resolved = await Promise.all(
    locality.endpoints.map(async (endpoint) => (await lookUp(endpoint.address)).map((address) => ofAddress(endpoint, address))),
  );
  return { ...locality, endpoints: resolved.flat() };
};

/** Every name of the configured endpoints replaced by all its addresses. Rejects when the resolver does. */
export const resolveEndpoints = async (discovery: StrictDns, system: System): Promise<Endpoints> => {
  const lookUp = async (name: string) => {
    if (isAddress(name)) return [name];
    return (await system.network.resolve(name)).filter((address) => accepts(discovery.family, address)).toSorted();
  };
  const priorities = await Promise.all(
    discovery.endpoints.priorities.map((localities) => Promise.all(localities.map((locality) => resolveLocality(locality, lookUp)))),
  );
  return { ...discovery.endpoints, priorities };
};

/** Calls `found` with each new answer until the signal aborts; the first look is at once. */
export const keepResolving = (discovery: StrictDns, system: System, found: (endpoints: Endpoints) => void, signal: AbortSignal): void => {
  const { refreshMs, afterFailure } = discovery;
  let failures = 0;
  const look = async () => {
    const waitMs = await resolveEndpoints(discovery, system).then(
      (endpoints) => {
        failures = 0;
        if (!signal.aborted) found(endpoints);
        return refreshMs;
      },
      (error: unknown) => {
        system.log.warn('upstream.resolve-failed', { error: error instanceof Error ? error.message : String(error) });
        const ceiling = Math.min(afterFailure.maxMs, afterFailure.baseMs * 2 ** Math.min(failures++, 30));
        return afterFailure.maxMs === afterFailure.baseMs ? ceiling : Math.max(1, system.random.float() * ceiling);
      },
    );
    if (signal.aborted) return;
    const cancel = system.clock.after(waitMs, again);
    signal.addEventListener('abort', cancel, { once: true });
    cancelled = () => signal.removeEventListener('abort', cancel);
  };
  let cancelled = () => {};
  const again = (): void => {
    cancelled();
    // Errors end inside `look`.
    void look();
  };
  again();
};
