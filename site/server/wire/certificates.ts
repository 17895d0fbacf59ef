/** The certificate that each proxy shows, asked of its own admin port: Dinghy's and Envoy's tell it alike. */
import type { LiveMesh } from '../live-mesh.ts';
import type { ShownCertificate } from '../told.ts';

const TIMEOUT_MS = 3_000;
/** Asked at most so often, however many pages look. */
const FRESH_MS = 1_000;

interface Certificate {
  readonly serial_number?: string;
  readonly subject_alt_names?: readonly { readonly uri?: string }[];
  readonly valid_from?: string;
  readonly expiration_time?: string;
}

const leavesIn = (pages: unknown): readonly Certificate[] => {
  const { certificates = [] } = pages as { readonly certificates?: readonly { readonly cert_chain?: readonly Certificate[] }[] };
  return certificates.flatMap(({ cert_chain: chain = [] }) => chain.slice(0, 1));
};

/** pages: of `/certs`. Of several the one that was issued last; undefined for a proxy without an identity. */
export const shownCertificate = (workload: string, pages: unknown, nowMs: number): ShownCertificate | undefined => {
  const own = leavesIn(pages).flatMap(
    ({ serial_number: serial = '', subject_alt_names: names = [], valid_from = '', expiration_time = '' }) => {
      const spiffeId = names.find(({ uri }) => uri?.startsWith('spiffe://'))?.uri;
      return spiffeId === undefined ? [] : [{ workload, spiffeId, serial, validFrom: valid_from, expiresAt: expiration_time }];
    },
  );
  const [last] = own.toSorted((a, b) => Date.parse(b.expiresAt) - Date.parse(a.expiresAt));
  if (last === undefined) return undefined;
  const [fromMs, untilMs] = [Date.parse(last.validFrom), Date.parse(last.expiresAt)];
  return { ...last, left: Math.min(1, Math.max(0, (untilMs - nowMs) / Math.max(1, untilMs - fromMs))) };
};

const readOne = async (name: string, adminUrl: string, nowMs: number): Promise<readonly ShownCertificate[]> => {
  try {
    const response = await fetch(new URL('/certs', adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? [shownCertificate(name, await response.json(), nowMs) ?? []].flat() : [];
  } catch {
    // A proxy that does not answer shows none; the graph says that it is away.
    return [];
  }
};

/** Every proxy's, in the order of the mesh. */
export const certificateReader = (mesh: LiveMesh): (() => Promise<readonly ShownCertificate[]>) => {
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let last: Promise<readonly ShownCertificate[]> = Promise.resolve([]);
  const readAll = async (): Promise<readonly ShownCertificate[]> => {
    const nowMs = mesh.wallTimeMs?.() ?? Date.now();
    const proxies = [...mesh.gateways, ...mesh.workloads];
    return (await Promise.all(proxies.map(({ name, adminUrl }) => (adminUrl === undefined ? [] : readOne(name, adminUrl, nowMs))))).flat();
  };
  return () => {
    if (performance.now() - askedAtMs > FRESH_MS) {
      askedAtMs = performance.now();
      last = readAll();
    }
    return last;
  };
};
