/** Real processes on real sockets: what a case needs, over the control plane's HTTP API and the proxies' admin ports. */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Exchange } from '#api/exchange.ts';
import type { ApplyResult } from '#api/resource.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { DataPlane } from '../define-case.ts';
import { grpcAds } from './grpc-ads.ts';
import type { LiveMesh, ProxySeat } from './live-mesh.ts';

/** A mesh of processes as its environment, or its run file, tells of it. */
export interface ProcessMesh {
  readonly dataPlane: DataPlane;
  readonly controlPlane: { readonly url: string; readonly token: string; readonly xdsAddress: string };
  readonly workloads: readonly (ProxySeat & { readonly adminUrl: string })[];
  readonly gateways: readonly (ProxySeat & { readonly adminUrl: string })[];
  readonly exchanges: { subscribe(listener: (exchange: Exchange) => void): () => void };
  readonly restartControlPlane?: (meanwhile: () => Promise<void>) => Promise<void>;
}

const TIMEOUT_MS = 10_000;
const FILE = 'conformance.yaml';

const dial = (address: string, port: number): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true }, () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });

const textOf = async (url: URL, init?: RequestInit): Promise<string> => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  return response.text();
};

/** The driver `process`. */
export const processDriver = (mesh: ProcessMesh): LiveMesh => {
  const { url, token } = mesh.controlPlane;
  const post = async (path: string, yaml: string): Promise<ApplyResult> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const text = await textOf(new URL(path, url), { method: 'POST', headers, body: JSON.stringify({ files: { [FILE]: yaml } }) });
    return JSON.parse(text) as ApplyResult;
  };
  const get = async (path: string): Promise<unknown> => JSON.parse(await textOf(new URL(path, url)));
  return {
    driver: 'process',
    dataPlane: mesh.dataPlane,
    workloads: mesh.workloads,
    gateways: mesh.gateways,
    connect: dial,
    applyYaml: async (yaml) => readApply(await post('/apply', yaml)),
    deleteYaml: async (yaml) => readApply(await post('/delete', yaml)),
    sync: async () => (await get('/debug/syncz')) as SyncStatus,
    vips: async () => (await get('/debug/vips')) as Record<string, string>,
    admin(workload, path) {
      const seat = [...mesh.workloads, ...mesh.gateways].find(({ name }) => name === workload);
      if (seat === undefined) throw new Error(`no workload ${workload} in this mesh`);
      return textOf(new URL(path, seat.adminUrl));
    },
    exchanges: mesh.exchanges,
    openAds: grpcAds(mesh.controlPlane.xdsAddress),
    ...(mesh.restartControlPlane && { restartControlPlane: mesh.restartControlPlane }),
  };
};

/** Only what refuses counts: warnings and hints do not keep a configuration from being in force. */
export const readApply = (result: ApplyResult): { problems: string[]; version: number } => ({
  problems: result.problems.filter(({ severity }) => severity === 'error').map((problem) => `${problem.path}: ${problem.message}`),
  version: result.version,
});
