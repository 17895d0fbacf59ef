/** The site's server: built pages, JSON API and the event stream, on loopback only. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { siteApi } from './api.ts';
import { createGuard } from './http/guard.ts';
import { staticFiles } from './http/static.ts';
import type { LiveMesh } from './live-mesh.ts';

/** How the site is started. */
export interface SiteOptions {
  readonly environment: LiveMesh;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Project root; default: where this file lives. */
  readonly root?: string;
  /** Requests a second of the built-in steady load; 0 starts it stopped. Default 4. */
  readonly load?: number;
  /** Where labs keep what was reached; default `.cache/labs` of the root. */
  readonly progressFolder?: string;
}

/** A running site. */
export interface Site {
  /** With the key for changes in its fragment: print it for the person at the terminal. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the site for a running mesh. Rejects when the port is taken. */
export const startSite = async (options: SiteOptions): Promise<Site> => {
  const root = options.root ?? new URL('../..', import.meta.url).pathname;
  const host = options.host ?? '127.0.0.1';
  let port = options.port ?? 0;
  const guard = createGuard(() => port);
  const api = siteApi(options.environment, {
    guard,
    root,
    loadPerSecond: options.load ?? 4,
    ...(options.progressFolder === undefined ? {} : { progressFolder: options.progressFolder }),
  });

  const app = new Hono();
  app.use(guard.middleware);
  app.route('/api', api.routes);
  app.get('*', staticFiles(`${root}/.cache/site`));
  app.notFound((context) => context.json({ error: 'There is nothing here.' }, 404));
  app.onError((error, context) => context.json({ error: error.message }, 500));

  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const starting = serve({ fetch: app.fetch, port, hostname: host }, (address) => {
      port = address.port;
      resolve(starting);
    });
    starting.once('error', (error: NodeJS.ErrnoException) => {
      api.close();
      const isTaken = error.code === 'EADDRINUSE';
      reject(isTaken ? new Error(`port ${port} of ${host} is in use by another program: give the site another one, or 0 for any`) : error);
    });
  });

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/#key=${guard.token}`,
    close: async () => {
      api.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if ('closeAllConnections' in server) server.closeAllConnections();
      await closed;
    },
  };
};
