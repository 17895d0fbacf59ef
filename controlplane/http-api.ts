/** The control plane's HTTP server: resources to read and change, and the debug pages, behind one guard. */
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import type { SocketAddress } from '#system/network.ts';
import type { CertificateAuthority } from './ca/certificate-authority.ts';
import { createIdentityApi } from './ca/identity-api.ts';
import { createClockApi } from './debug/clock-api.ts';
import { createDebugApi } from './debug/debug-server.ts';
import { loopbackGuard } from './debug/guard.ts';
import { createExplainApi } from './explain/explain-api.ts';
import type { Mesh } from './mesh/mesh.ts';
import type { ConfigStore } from './store/config-store.ts';
import { createResourceApi } from './store/resource-api.ts';
import { tokenGuard } from './token-guard.ts';
import type { ProxyNode } from './translate/proxy-node.ts';
import type { AdsServer } from './xds/ads-server.ts';
import type { XdsSnapshot } from './xds/snapshot.ts';

/** What is served. */
export interface HttpApiParts {
  readonly store: ConfigStore;
  readonly ads: AdsServer;
  readonly mesh: () => Mesh;
  readonly snapshotFor: (proxy: ProxyNode) => XdsSnapshot;
  readonly token: string;
  /** Absent: the clock is the machine's. Gives how far it is ahead afterwards, milliseconds. */
  readonly shiftClock?: (ms: number) => number;
  /** Absent without an authority. behind: workloads whose proxies have not acknowledged what is in force. */
  readonly identity?: { readonly authority: CertificateAuthority; readonly trustDomain: string; readonly behind: () => readonly string[] };
}

/** A server that listens. */
export interface HttpApiServer {
  readonly address: SocketAddress;
  /** Cuts open connections. */
  close(): Promise<void>;
}

/** Everything under one root. */
export const createHttpApi = ({ store, ads, mesh, snapshotFor, token, shiftClock, identity }: HttpApiParts): Hono => {
  const app = new Hono();
  app.use(loopbackGuard);
  app.route('/', createDebugApi({ sync: () => ads.sync(), mesh, config: () => store.view(), proxies: () => ads.proxies, snapshotFor }));
  app.route('/', createExplainApi({ mesh, proxies: () => ads.proxies }));
  const guard = tokenGuard(token);
  app.route('/', createResourceApi(store, { guard }));
  if (shiftClock) app.route('/', createClockApi({ shift: shiftClock, guard }));
  if (identity) app.route('/', createIdentityApi({ ...identity, guard }));
  app.notFound((context) => context.json({ error: `there is no ${context.req.method} ${context.req.path} here` }, 404));
  return app;
};

/** Port 0 lets the system choose. Rejects when the address cannot be bound. */
export const listenForHttp = async (parts: HttpApiParts, at: SocketAddress): Promise<HttpApiServer> => {
  const server = createAdaptorServer({ fetch: createHttpApi(parts).fetch });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: at.address, port: at.port }, resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : at.port;
  return {
    address: { address: at.address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
};
