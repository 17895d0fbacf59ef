/** Every part of the mesh in containers of its own: a pod a workload, whose connections the packet filter brings to its sidecar. Needs a Docker engine. */
import { chmodSync, closeSync, constants, ftruncateSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { grpcAdsStream } from '#ads-stream';
import type { Exchange } from '#api/exchange.ts';
import { realClock } from '#system/clock.ts';
import { type ComposedMesh, composeFile, hostsFile, type PublishedPort, SDS_SOCKET, serviceNames } from '../compose/compose-file.ts';
import { type ComposeProject, composeMissing, composeProject, endedCommand, networkNames } from '../compose/engine.ts';
import { buildImages } from '../compose/images.ts';
import { HTTP_PORT, planMesh, XDS_PORT } from '../compose/plan-mesh.ts';
import { PodIdentities } from '../compose/pod-identities.ts';
import { redirectRules } from '../compose/redirect-rules.ts';
import { type ControlPlaneClient, controlPlaneClient } from '../control-plane-client.ts';
import { converged } from '../convergence.ts';
import { type DataPlane, findDataPlane } from '../data-planes/data-plane.ts';
import type { MeshDefinition } from '../definition.ts';
import { readExchange } from '../exchange-line.ts';
import { CA_PORT } from '../identities.ts';
import type { Environment, EnvironmentOptions } from '../mode.ts';
import { mustBeAccepted, refusalsIn } from '../refusals.ts';
import { RUN_DIRECTORY, removeRunFile, writeRunFile } from '../run-file.ts';
import { ADMIN_PORT, bootstrapOf, OUTBOUND_PORT, reporterOf, runningGateways, runningWorkloads, type Seat } from '../seats.ts';
import { Supervisor } from '../supervisor.ts';

const INBOUND_PORT = 15_006;
const CONTROL_PLANE = 'control-plane';
const VIPS_REFRESH_MS = 500;
/** A token lives 10 minutes. */
const TOKEN_REFRESH_MS = 240_000;
const LOOK_AGAIN_MS = 50;
const START_PATIENCE_MS = 60_000;

/** Builds the images, starts the containers, and settles when every proxy has its configuration. Rejects where there is no Docker engine. */
export const startComposeMode = async (definition: MeshDefinition, options: EnvironmentOptions): Promise<Environment> => {
  const missing = await composeMissing();
  if (missing !== undefined) throw new Error(`mode compose: ${missing}`);
  const name = options.name ?? definition.name;
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) throw new Error(`mode compose: ${name} is not a name for containers: only a-z, 0-9 and - are`);
  const dataPlane = findDataPlane(options.dataPlane);
  await buildImages(dataPlane.name === 'envoy' ? dataPlane.command : undefined);
  const directory = join(RUN_DIRECTORY, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const project = await composeProject(`dinghy-${name}`, directory);
  const plan = await planMesh(name, definition, dataPlane, options.seed);
  const { signal } = options;
  signal?.throwIfAborted();
  const { leafLifeSeconds } = options;
  const mesh = new ComposeMesh({ directory, definition, dataPlane, project, plan, leafLifeSeconds, ...(signal && { signal }) });
  try {
    await mesh.start();
    return mesh.environment();
  } catch (error) {
    await mesh.stop();
    throw error;
  }
};

interface MeshInput {
  readonly directory: string;
  readonly definition: MeshDefinition;
  readonly dataPlane: DataPlane;
  readonly project: ComposeProject;
  readonly plan: ComposedMesh;
  readonly leafLifeSeconds: number | undefined;
  readonly signal?: AbortSignal;
}

/** LIVING STATE of one mesh. */
class ComposeMesh {
  readonly #input: MeshInput;
  readonly #supervisor: Supervisor;
  readonly #client: ControlPlaneClient;
  readonly #identities: PodIdentities;
  readonly #url: string;
  readonly #listeners = new Set<(exchange: Exchange) => void>();
  /** As last told: they hold while the control plane is away. */
  #vips: Readonly<Record<string, string>> = {};
  #refresh: NodeJS.Timeout | undefined;
  #tokens: NodeJS.Timeout | undefined;
  #following: Promise<void> | undefined;
  #hasStarted = false;
  #stopping: Promise<void> | undefined;

  constructor(input: MeshInput) {
    const { directory, plan } = input;
    this.#input = input;
    this.#supervisor = new Supervisor(directory);
    this.#supervisor.ownFile(join(RUN_DIRECTORY, `${plan.name}.json`));
    this.#url = `http://127.0.0.1:${portOf(plan.controlPlane.ports, HTTP_PORT)}`;
    this.#client = controlPlaneClient(this.#url, plan.controlPlane.token);
    const caAddress = { address: plan.controlPlane.address, port: CA_PORT };
    const identities = join(directory, 'identity');
    this.#identities = new PodIdentities(
      { directory: identities, client: this.#client, caAddress, lifeSeconds: input.leafLifeSeconds },
      plan.seats,
    );
    // Whatever a failed start leaves behind to say why, tokens are not of it.
    this.#supervisor.ownFile(identities);
  }

  async start(): Promise<void> {
    const { definition, directory, plan, project } = this.#input;
    this.#writeFiles();
    this.#supervisor.ownCommand(project.downCommand);
    if ((await networkNames()).some((network) => network === `dinghy-${plan.name}_mesh`)) await project.down();
    // A proxy is told who it is before it starts, by the control plane.
    await project.up([CONTROL_PLANE]);
    this.#input.signal?.throwIfAborted();
    await this.#controlPlaneAnswers();
    const { problems, version } = await this.#client.apply(definition.resources);
    mustBeAccepted(problems);
    await this.#refreshVips();
    await this.#identities.refreshRoots();
    await this.#identities.refreshAll();
    await project.up();
    this.#input.signal?.throwIfAborted();
    this.#follow();
    this.#keepIdentities();
    // While the control plane is away the addresses stay what they are.
    this.#refresh = setInterval(() => {
      void this.#refreshVips().catch(() => {});
      void this.#identities.refreshRoots().catch(() => {});
    }, VIPS_REFRESH_MS).unref();
    await this.#converged(version);
    this.#tell();
    this.#supervisor.ownFile(directory);
    this.#hasStarted = true;
  }

  #writeFiles(): void {
    const { plan } = this.#input;
    this.#write('docker-compose.yml', composeFile(plan), 0o600);
    this.#write('redirect.rules', redirectRules({ outbound: OUTBOUND_PORT, inbound: INBOUND_PORT, open: [ADMIN_PORT] }));
    this.#writeHosts();
    const xdsAddress = { address: plan.controlPlane.address, port: XDS_PORT };
    for (const seat of plan.seats) {
      const { name } = seat.definition;
      const interception = seat.kind === 'workload' ? 'REDIRECT' : undefined;
      this.#write(`${name}.bootstrap.json`, bootstrapOf(seat, { xdsAddress, sdsSocket: SDS_SOCKET, interception }));
      if (plan.agents[name]) openFolder(join(this.#input.directory, 'sockets', name));
    }
  }

  /** A token is good once: whoever ends gets another for its next start, and who was cut off for long comes back by itself. */
  #keepIdentities(): void {
    const { plan } = this.#input;
    const holders = new Map(plan.seats.flatMap((seat) => holdersOf(plan, seat).map((service) => [service, seat.definition.name])));
    const refreshAll = (): void => void this.#identities.refreshAll().catch(() => {});
    this.#supervisor.start({
      ...{ name: 'ended', ...endedCommand(`dinghy-${plan.name}`), restart: true },
      onLine: (service) => {
        if (service === CONTROL_PLANE) void this.#controlPlaneAnswers().then(refreshAll, () => {});
        const name = holders.get(service);
        if (name !== undefined) void this.#identities.refresh(name).catch(() => {});
        return true;
      },
    });
    this.#tokens = setInterval(refreshAll, TOKEN_REFRESH_MS).unref();
  }

  /** Containers see these files, as other users. */
  #write(file: string, text: string, mode = 0o644): void {
    writeFileSync(join(this.#input.directory, file), text, { mode });
  }

  #writeHosts(): void {
    const namespaces = new Set(this.#input.definition.workloads.map(({ namespace }) => namespace));
    for (const namespace of namespaces) writeInPlace(join(this.#input.directory, `hosts.${namespace}`), hostsFile(this.#vips, namespace));
  }

  async #refreshVips(): Promise<void> {
    const before = JSON.stringify(this.#vips);
    this.#vips = await this.#client.vips();
    if (JSON.stringify(this.#vips) !== before) this.#writeHosts();
  }

  /** Exchange records of every proxy, as they write them. */
  #follow(): void {
    const { plan, project } = this.#input;
    const reporters = new Map(plan.seats.map((seat) => [sidecarService(seat), reporterOf(seat)]));
    this.#following = project
      .follow([...reporters.keys()], (service, line) => {
        const reporter = reporters.get(service);
        const exchange = reporter && readExchange(line, reporter);
        if (exchange) for (const listener of this.#listeners) listener(exchange);
      })
      // Ends with an error when it is cut off with the containers.
      .catch(() => {});
  }

  async #controlPlaneAnswers(): Promise<void> {
    const deadline = performance.now() + START_PATIENCE_MS;
    for (;;) {
      this.#input.signal?.throwIfAborted();
      try {
        await this.#client.sync();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(LOOK_AGAIN_MS);
      }
    }
  }

  #converged(version: number): Promise<void> {
    const workloads = this.#input.plan.seats.map(({ definition }) => definition.name);
    const pause = () => {
      if (!this.#hasStarted) this.#input.signal?.throwIfAborted();
      return sleep(LOOK_AGAIN_MS);
    };
    return converged({ version, workloads }, { sync: () => this.#client.sync(), nowMs: () => performance.now(), pause });
  }

  #published(name: string, container: number): string {
    return `http://127.0.0.1:${portOf(this.#input.plan.ports[name] ?? [], container)}`;
  }

  #workloads() {
    return runningWorkloads(this.#input.plan.seats).map((one) => ({ ...one, adminUrl: this.#published(one.name, ADMIN_PORT) }));
  }

  #gateways() {
    const { definition, plan } = this.#input;
    return runningGateways(plan.seats).map((one) => ({
      ...one,
      adminUrl: this.#published(one.name, ADMIN_PORT),
      url: this.#published(one.name, definition.gateways.find(({ name }) => name === one.name)?.ports[0] ?? 80),
    }));
  }

  #tell(): void {
    const { dataPlane, plan } = this.#input;
    writeRunFile({
      name: plan.name,
      pid: process.pid,
      mode: 'compose',
      dataPlane: dataPlane.name,
      startedAt: new Date().toISOString(),
      controlPlane: { url: this.#url, token: plan.controlPlane.token },
      gateways: this.#gateways(),
      workloads: this.#workloads(),
    });
  }

  /** Containers, network, files. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      const { directory, plan, project } = this.#input;
      clearInterval(this.#refresh);
      clearInterval(this.#tokens);
      await project.down();
      await this.#following;
      this.#supervisor.disownCommand(project.downCommand);
      await this.#supervisor.stop();
      removeRunFile(plan.name);
      rmSync(join(directory, 'identity'), { recursive: true, force: true });
      if (this.#hasStarted) rmSync(directory, { recursive: true, force: true });
    })();
    return this.#stopping;
  }

  environment(): Environment {
    const { dataPlane, plan } = this.#input;
    return {
      name: plan.name,
      mode: 'compose',
      driver: 'process',
      dataPlane: dataPlane.name,
      configuredBy: 'dinghy',
      controlPlane: { url: this.#url, token: plan.controlPlane.token },
      workloads: this.#workloads(),
      gateways: this.#gateways(),
      exchanges: {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      identity: { report: () => this.#client.authority(), rotate: (step) => this.#client.rotate(step) },
      wallTimeMs: () => Date.now(),
      openAds: grpcAdsStream({ address: '127.0.0.1', port: portOf(plan.controlPlane.ports, XDS_PORT) }, realClock()),
      connect: (host, port) =>
        new Promise((resolve, reject) => {
          const socket = connect({ host, port, noDelay: true, allowHalfOpen: true }, () => resolve(socket)).once('error', reject);
        }),
      applyYaml: async (yaml) => {
        const { problems, version } = await this.#client.apply({ 'applied.yaml': yaml });
        return { problems: refusalsIn(problems), version };
      },
      deleteYaml: async (yaml) => ({ version: (await this.#client.remove({ 'deleted.yaml': yaml })).version }),
      sync: () => this.#client.sync(),
      waitForVersion: (version) => this.#converged(version),
      vips: async () => {
        await this.#refreshVips().catch(() => {});
        return this.#vips;
      },
      admin: async (workload, path) => (await fetch(`${this.#published(workload, ADMIN_PORT)}${path}`)).text(),
      [Symbol.asyncDispose]: () => this.stop(),
    };
  }
}

/** The pods' users make their sockets there; the folder above lets nobody else of this machine in. */
const openFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
};

/** Containers hold the file itself, not its name: another one in its place would be seen by nobody. Never empty, so that no name is lost meanwhile. */
const writeInPlace = (file: string, text: string): void => {
  const descriptor = openSync(file, constants.O_CREAT | constants.O_WRONLY, 0o644);
  ftruncateSync(descriptor, writeSync(descriptor, text));
  closeSync(descriptor);
};

const sidecarService = ({ kind, definition: { name } }: Seat): string => (kind === 'gateway' ? name : serviceNames(name).sidecar);

/** Who uses a seat's tokens. */
const holdersOf = ({ agents }: ComposedMesh, seat: Seat): readonly string[] => {
  const { name } = seat.definition;
  return agents[name] ? [serviceNames(name).agent] : [sidecarService(seat)];
};

const portOf = (ports: readonly PublishedPort[], container: number): number => {
  const found = ports.find((port) => port.container === container);
  if (found === undefined) throw new Error(`port ${container} is not published`);
  return found.host;
};
