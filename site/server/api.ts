/** The site's JSON API: what the pages read, and the few things they may change. */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type ControlPlaneClient, controlPlaneClient } from '#environment';
import { TrafficLog } from '#observability';
import { openCases } from './cases.ts';
import { configurationRoutes } from './configuration-routes.ts';
import { readBody, textsOf } from './http/body.ts';
import { eventStream } from './http/event-stream.ts';
import type { Guard } from './http/guard.ts';
import { identityRoutes, MeshIdentity } from './identity-routes.ts';
import { labRoutes } from './labs/lab-routes.ts';
import type { LiveMesh } from './live-mesh.ts';
import { readEvents, sendPaced } from './paced.ts';
import { readProxy } from './proxy-view.ts';
import { HeldRequests } from './resilience/held.ts';
import { resilienceRoutes } from './resilience/resilience-routes.ts';
import { OrderError, Sender, type SendOrder } from './sender.ts';
import { SteadyLoad } from './steady-load.ts';
import { suiteOn } from './suite.ts';
import type { MeshState } from './told.ts';
import { explainRequest } from './why.ts';
import { sendOnWire } from './wire/capture.ts';
import { certificateReader } from './wire/certificates.ts';

const MAX_BODY_BYTES = 512 * 1024;
const EDGE_LIMIT = 50;

/** What the API is given. */
export interface ApiRoom {
  readonly guard: Guard;
  readonly root: string;
  readonly loadPerSecond: number;
  /** Where labs keep what was reached, one file a mesh; default: `.cache/labs` of the project. */
  readonly progressFolder?: string;
}

const orderOf = (body: Readonly<Record<string, unknown>>): SendOrder => ({
  from: String(body.from ?? 'productpage-v1'),
  method: String(body.method ?? 'GET'),
  url: String(body.url ?? ''),
  headers: textsOf(body.headers),
  count: Number(body.count ?? 1),
});

/** Which proxies are connected, for the header: as last known, asked again behind the back of whoever reads it. */
const connections = (mesh: LiveMesh, controlPlane: ControlPlaneClient): (() => MeshState['proxies']) => {
  const names = [...mesh.workloads, ...mesh.gateways].map(({ name }) => name);
  const expected = names.length;
  let known: MeshState['proxies'] = { connected: 0, expected, missing: [], controlPlane: true };
  let isAsking = false;
  const ask = async (): Promise<MeshState['proxies']> => {
    try {
      const connected = new Set((await controlPlane.sync()).proxies.map(({ workload }) => workload));
      return { connected: connected.size, expected, missing: names.filter((name) => !connected.has(name)), controlPlane: true };
    } catch {
      // The header says that the control plane is away; traffic goes on without it.
      return { connected: 0, expected, missing: [], controlPlane: false };
    }
  };
  const refresh = async () => {
    isAsking = true;
    known = await ask();
    isAsking = false;
  };
  return () => {
    if (!isAsking) void refresh();
    return known;
  };
};

/** What is told of the mesh itself and of the one who asks. */
const aboutRoutes = (mesh: LiveMesh, guard: Guard): Hono => {
  const routes = new Hono();
  const byAddress = new Map(mesh.workloads.map(({ address, name }) => [address, name]));
  routes.post('/session', async (context) => {
    const opened = guard.open(context, (await readBody(context.req)).key);
    return opened ? context.json({ open: true }) : context.json({ error: 'That key belongs to another start of the mesh.' }, 403);
  });
  routes.get('/mesh', (context) =>
    context.json({
      name: mesh.name,
      mode: mesh.mode,
      dataPlane: mesh.dataPlane,
      workloads: mesh.workloads.map(({ name, namespace, address }) => ({ name, namespace, address })),
      gateways: mesh.gateways.map(({ name, url }) => ({ name, url })),
      open: guard.isOpen(context),
    }),
  );
  routes.get('/proxies/:name', async (context) => {
    const name = context.req.param('name');
    const found = mesh.workloads.find((workload) => workload.name === name) ?? mesh.gateways.find((candidate) => candidate.name === name);
    if (found?.adminUrl === undefined) return context.json({ error: `There is no proxy called ${name}.` }, 404);
    return context.json(await readProxy({ name, workloadAt: (address) => byAddress.get(address) ?? '' }, found.adminUrl));
  });
  return routes;
};

/** What goes over the wire, and who is at its ends. */
const wireRoutes = (mesh: LiveMesh, { log, sender }: { log: TrafficLog; sender: Sender }): Hono => {
  const routes = new Hono();
  const certificates = certificateReader(mesh);
  routes.get('/certificates', async (context) => context.json(await certificates()));
  routes.post('/wire', async (context) =>
    context.json(await sendOnWire({ mesh, log, sender, certificates }, orderOf(await readBody(context.req)))),
  );
  return routes;
};

interface TrafficRoom {
  readonly log: TrafficLog;
  readonly sender: Sender;
  readonly load: SteadyLoad;
  readonly identity: MeshIdentity;
  readonly controlPlane: ControlPlaneClient;
}

const trafficRoutes = ({ log, sender, load, identity, controlPlane }: TrafficRoom): Hono => {
  const routes = new Hono();
  routes.get('/refusals', (context) => context.json(log.refusals(EDGE_LIMIT)));
  routes.get('/requests/:id', (context) => context.json(log.request(context.req.param('id'))));
  routes.get('/edges/:from/:to', (context) => context.json(log.edge(context.req.param('from'), context.req.param('to'), EDGE_LIMIT)));
  routes.get('/why/:id', async (context) => context.json(await explainRequest(log.request(context.req.param('id')), controlPlane)));
  routes.post('/send', async (context) => {
    const body = await readBody(context.req);
    const events = readEvents(body.meanwhile);
    const order = orderOf(body);
    const send = () => (events.length === 0 ? sender.send(order) : sendPaced({ sender, identity }, order, events));
    return context.json(await (body.alone === true ? load.quiet(send) : send()));
  });
  routes.post('/load', async (context) => {
    const body = await readBody(context.req);
    if (body.on === true) load.start(typeof body.perSecond === 'number' ? body.perSecond : undefined);
    else load.stop();
    return context.json(load.state);
  });
  return routes;
};

/** Opens the API on a running mesh. */
export const siteApi = (mesh: LiveMesh, room: ApiRoom): { readonly routes: Hono; close(): void } => {
  const controlPlane = controlPlaneClient(mesh.controlPlane.url, mesh.controlPlane.token);
  const log = new TrafficLog(mesh, mesh.wallTimeMs ?? Date.now);
  const sender = new Sender(mesh, controlPlane, log);
  const gateway = mesh.gateways[0];
  const load = new SteadyLoad(gateway === undefined ? undefined : new URL('/productpage', gateway.url).href, room.loadPerSecond);
  const identity = new MeshIdentity(mesh, controlPlane, load);
  const held = new HeldRequests({ mesh, sender, load });
  const cases = openCases(() => suiteOn(mesh, controlPlane));
  const proxies = connections(mesh, controlPlane);
  const state = (): MeshState => ({ load: load.state, proxies: proxies() });

  const routes = new Hono();
  routes.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (context) => context.json({ error: 'That is more than 512 KiB.' }, 413) }));
  routes.route('/', aboutRoutes(mesh, room.guard));
  routes.get('/events', eventStream(log, state));
  routes.route('/', trafficRoutes({ log, sender, load, identity, controlPlane }));
  routes.route('/', identityRoutes(identity));
  routes.route('/', wireRoutes(mesh, { log, sender }));
  routes.route('/', resilienceRoutes({ mesh, log, sender, held, orderOf }));
  routes.route(
    '/',
    configurationRoutes(
      controlPlane,
      [...mesh.workloads, ...mesh.gateways].map(({ name }) => name),
    ),
  );
  routes.get('/cases', async (context) => context.json(await cases.list()));
  routes.post('/cases/:id', async (context) => context.json(await cases.run(context.req.param('id'))));
  routes.route(
    '/labs',
    labRoutes({
      mesh,
      cases,
      held,
      load,
      controlPlane,
      root: room.root,
      progressFolder: room.progressFolder ?? `${room.root}/.cache/labs`,
    }),
  );
  routes.all('*', (context) => context.json({ error: 'There is no such call.' }, 404));
  routes.onError((error, context) => context.json({ error: error.message }, error instanceof OrderError ? 400 : 502));

  return {
    routes,
    close: () => {
      load.close();
      log.close();
    },
  };
};
