/** The whole mesh in one process: the real planes and the scripted echo on a network in memory, in time that somebody advances. */
import { parseAllDocuments } from 'yaml';
import type { Exchange } from '#api/exchange.ts';
import type { ResourceName } from '#api/resource.ts';
import { type ControlPlane, sidecarBootstrap, startControlPlane } from '#controlplane';
import { Bootstrap } from '#envoy';
import { type RunningProxy, startProxy } from '#proxy';
import type { BoundListener } from '#system/network.ts';
import { type SimulatedSystem, type SimulatedWorld, simulatedSystem, simulatedWorld } from '#system/simulated-system.ts';
import type { GatewayDefinition, MeshDefinition, WorkloadDefinition } from '../definition.ts';
import type { Environment, EnvironmentOptions, RunningWorkload } from '../environment.ts';
import { readExchange } from '../exchange-line.ts';
import { getPage } from '../simulated/admin-page.ts';
import { startEchoProgram } from '../simulated/echo-program.ts';

const ADMIN_PORT = 15_000;
const FIRST_APP_PORT = 20_001;
const FIRST_GATEWAY_HOST = 200;
const DEBOUNCE_MS = 10;
/** The only program with a shell for this world. */
const ECHO = 'sample-apps/echo/main.ts';
/** Virtual time within which proxies must have acknowledged. */
const PATIENCE_MS = 15_000;
const STEP_MS = 5;

interface Seat {
  readonly definition: WorkloadDefinition | GatewayDefinition;
  readonly address: string;
  /** Absent for gateways. */
  readonly appPort?: number;
}

/** Starts it and settles when every proxy has its configuration. Rejects for Envoy, and for programs that cannot live in memory. */
export const startSimulationMode = async (definition: MeshDefinition, options: EnvironmentOptions): Promise<Environment> => {
  if (options.dataPlane !== 'dinghy') throw new Error(`the simulation runs this project's proxy, not ${options.dataPlane}`);
  const strange = definition.workloads.find(({ program }) => program !== ECHO);
  if (strange !== undefined) throw new Error(`the simulation runs ${ECHO} only; ${strange.name} is ${strange.program}`);
  const mesh = new SimulatedMesh(definition, options);
  try {
    await mesh.start();
    return mesh.environment();
  } catch (error) {
    await mesh.stop();
    throw error;
  }
};

const seatsOf = ({ workloads, gateways }: MeshDefinition): Seat[] => [
  ...workloads.map((definition, index) => ({ definition, address: `127.96.0.${index + 1}`, appPort: FIRST_APP_PORT + index })),
  ...gateways.map((definition, index) => ({ definition, address: `127.96.0.${FIRST_GATEWAY_HOST + index}` })),
];

/** What a YAML text names, whatever else it says. */
const namesIn = (yaml: string): ResourceName[] =>
  parseAllDocuments(yaml).flatMap((document) => {
    const value = document.toJS() as { kind?: unknown; metadata?: { name?: unknown; namespace?: unknown } } | null;
    if (typeof value?.kind !== 'string' || typeof value.metadata?.name !== 'string') return [];
    const { name, namespace } = value.metadata;
    return [{ kind: value.kind, namespace: typeof namespace === 'string' ? namespace : 'default', name }];
  });

/** LIVING STATE of one mesh. */
class SimulatedMesh {
  readonly #definition: MeshDefinition;
  readonly #options: EnvironmentOptions;
  readonly #world: SimulatedWorld = simulatedWorld();
  readonly #seats: readonly Seat[];
  readonly #listeners = new Set<(exchange: Exchange) => void>();
  readonly #programs: BoundListener[] = [];
  readonly #proxies: RunningProxy[] = [];
  #controlPlane: ControlPlane | undefined;
  #time: Promise<void> = Promise.resolve();
  #systems = 0;

  constructor(definition: MeshDefinition, options: EnvironmentOptions) {
    this.#definition = definition;
    this.#options = options;
    this.#seats = seatsOf(definition);
  }

  async start(): Promise<void> {
    const controlPlane = await startControlPlane({ debounceMs: DEBOUNCE_MS }, this.#system('127.0.0.1'));
    this.#controlPlane = controlPlane;
    const { problems, version } = controlPlane.apply(this.#definition.resources);
    const error = problems.find(({ severity }) => severity === 'error');
    if (error) throw new Error(`${error.file}:${error.line}: ${error.path}: ${error.message}`);
    for (const seat of this.#seats) await this.#startSeat(seat, controlPlane);
    await this.#converged(version);
    // Whoever connected last changed the endpoints, not the version: the others hear of it with the next push.
    await this.#advance(DEBOUNCE_MS);
    await this.#converged(version);
  }

  get #plane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new Error('invariant: the control plane is started first');
    return this.#controlPlane;
  }

  /** Each process draws its own numbers, all from one seed. */
  #system(address: string, onLine?: (path: string, line: string) => void): SimulatedSystem {
    const seed = (this.#options.seed ?? 1) + this.#systems++;
    return simulatedSystem({ seed, address, world: this.#world, ...(onLine && { onLine }) });
  }

  async #startSeat({ definition, address, appPort }: Seat, { openAds }: ControlPlane): Promise<void> {
    const { name, namespace, labels, serviceAccount } = definition;
    const isGateway = !('port' in definition);
    const appPorts = 'port' in definition && appPort !== undefined ? { [definition.port]: appPort } : {};
    const bootstrap = sidecarBootstrap({
      node: { type: isGateway ? 'router' : 'sidecar', ip: address, workload: name, namespace, labels, serviceAccount, appPorts },
      adminAddress: { address, port: ADMIN_PORT },
      xdsAddress: { address: '127.0.0.1', port: 15_010 },
    });
    const reporter = { name, address, isGateway };
    const system = this.#system(address, (_path, line) => {
      const exchange = readExchange(line, reporter);
      if (exchange) for (const listener of this.#listeners) listener(exchange);
    });
    if (!isGateway && appPort !== undefined) {
      const { network, clock } = system;
      const workload = definition.env.WORKLOAD ?? name;
      this.#programs.push(await startEchoProgram({ workload, at: { address: '127.0.0.1', port: appPort }, network, clock }));
    }
    this.#proxies.push(await startProxy(Bootstrap.fromJSON(JSON.parse(bootstrap)), system, { openAds }));
  }

  /** One caller after another: time can pass only once. */
  #advance(ms: number): Promise<void> {
    this.#time = this.#time.then(() => this.#world.clock.advance(ms));
    return this.#time;
  }

  async #converged(version: number): Promise<void> {
    const names = this.#seats.map(({ definition }) => definition.name);
    const deadline = this.#world.clock.nowMs() + PATIENCE_MS;
    for (;;) {
      const { proxies } = this.#plane.sync();
      const behind = names.filter((name) => !proxies.some((proxy) => proxy.workload === name && proxy.version >= version));
      if (behind.length === 0) return;
      if (this.#world.clock.nowMs() > deadline) throw new Error(`not every proxy acknowledged version ${version}: ${behind.join(', ')}`);
      await this.#advance(STEP_MS);
    }
  }

  #workload({ definition: { name, namespace }, address }: Seat): RunningWorkload {
    return { name, namespace, address, adminUrl: `http://${address}:${ADMIN_PORT}` };
  }

  #apply(yaml: string): { problems: string[]; version: number } {
    const { problems, version } = this.#plane.apply({ 'applied.yaml': yaml });
    return {
      problems: problems
        .filter(({ severity }) => severity === 'error')
        .map(({ file, line, column, path, message }) => `${file}:${line}:${column}: ${path}: ${message}`),
      version,
    };
  }

  async #admin(workload: string, path: string): Promise<string> {
    const seat = this.#seats.find(({ definition }) => definition.name === workload);
    if (seat === undefined) throw new Error(`no workload ${workload}`);
    return getPage(this.#world.network.from('127.0.0.1'), { address: seat.address, port: ADMIN_PORT }, path);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.close()));
    await this.#controlPlane?.close();
    await Promise.all(this.#programs.splice(0).map((program) => program.close()));
  }

  environment(): Environment {
    const outside = this.#world.network.from('127.0.0.1');
    return {
      name: this.#options.name ?? this.#definition.name,
      mode: 'simulation',
      driver: 'simulation',
      dataPlane: 'dinghy',
      controlPlane: { url: '', token: this.#plane.token },
      workloads: this.#seats.filter(({ appPort }) => appPort !== undefined).map((seat) => this.#workload(seat)),
      gateways: this.#seats.flatMap((seat) =>
        'ports' in seat.definition ? [{ ...this.#workload(seat), url: `http://${seat.address}:${seat.definition.ports[0] ?? 80}` }] : [],
      ),
      exchanges: {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      openAds: this.#plane.openAds,
      connect: (address, port) => outside.connect({ address, port }, { timeoutMs: 1_000 }),
      applyYaml: async (yaml) => this.#apply(yaml),
      deleteYaml: async (yaml) => ({ version: this.#plane.remove(namesIn(yaml)).version }),
      sync: async () => this.#plane.sync(),
      waitForVersion: (version) => this.#converged(version),
      vips: async () => this.#plane.vips(),
      admin: (workload, path) => this.#admin(workload, path),
      advance: (ms) => this.#advance(ms),
      [Symbol.asyncDispose]: () => this.stop(),
    };
  }
}
