/** The whole mesh in one process: the real planes and the scripted echo on a network in memory, in time that somebody advances. */
import type { Exchange } from '#api/exchange.ts';
import { formatSpiffeId } from '#api/spiffe-id.ts';
import { type ControlPlane, type IdentityControl, startControlPlane } from '#controlplane';
import { Bootstrap } from '#envoy';
import { type RunningProxy, startProxy } from '#proxy';
import type { BoundListener } from '#system/network.ts';
import { seedFor } from '#system/random.ts';
import { type SimulatedSystem, type SimulatedWorld, simulatedSystem, simulatedWorld } from '#system/simulated-system.ts';
import { converged } from '../convergence.ts';
import type { MeshDefinition } from '../definition.ts';
import { readExchange } from '../exchange-line.ts';
import { loneAddresses } from '../lone-proxy.ts';
import type { Environment, EnvironmentOptions, StartLone } from '../mode.ts';
import { mustBeAccepted, refusalsIn } from '../refusals.ts';
import { ADMIN_PORT, bootstrapOf, reporterOf, runningGateways, runningWorkloads, type Seat, seatOf, seatsOf } from '../seats.ts';
import { getPage } from '../simulated/admin-page.ts';
import { startEchoProgram } from '../simulated/echo-program.ts';
import { startSimulatedLone } from '../simulated/lone-proxy.ts';

const FIRST_APP_PORT = 20_001;
const DEBOUNCE_MS = 10;
/** The only program with a shell for this world. */
const ECHO = 'sample-apps/echo/main.ts';
const STEP_MS = 5;
/** As Istio's. */
const DEFAULT_LIFE_S = 86_400;

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

/** LIVING STATE of one mesh. */
class SimulatedMesh {
  readonly #definition: MeshDefinition;
  readonly #options: EnvironmentOptions;
  readonly #world: SimulatedWorld = simulatedWorld();
  readonly #seats: readonly Seat[];
  readonly #listeners = new Set<(exchange: Exchange) => void>();
  readonly #programs: BoundListener[] = [];
  readonly #proxies: RunningProxy[] = [];
  readonly #startLone: StartLone;
  #controlPlane: ControlPlane | undefined;
  #time: Promise<void> = Promise.resolve();
  #certifies = true;

  constructor(definition: MeshDefinition, options: EnvironmentOptions) {
    this.#definition = definition;
    this.#options = options;
    const appPorts = definition.workloads.map((_, index) => FIRST_APP_PORT + index);
    const address = (host: number): string => `127.96.0.${host}`;
    this.#seats = seatsOf(definition, { address, appPorts });
    this.#startLone = startSimulatedLone(loneAddresses(address), (at, onLine) => this.#system(at, at, onLine));
  }

  async start(): Promise<void> {
    const controlPlane = await startControlPlane(
      { debounceMs: DEBOUNCE_MS, authority: { kind: 'simulated' } },
      this.#system('127.0.0.1', 'control-plane'),
    );
    this.#controlPlane = controlPlane;
    const { problems, version } = controlPlane.apply(this.#definition.resources);
    mustBeAccepted(problems);
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

  get #authority(): IdentityControl {
    if (this.#plane.identity === undefined) throw new Error('invariant: the simulation has an authority');
    return this.#plane.identity;
  }

  /** Each process draws its own numbers, all from one seed. */
  #system(address: string, name: string, onLine?: (path: string, line: string) => void): SimulatedSystem {
    const seed = seedFor(this.#options.seed ?? 1, name);
    return simulatedSystem({ seed, address, world: this.#world, ...(onLine && { onLine }) });
  }

  async #startSeat(seat: Seat, { openAds, identity: authority }: ControlPlane): Promise<void> {
    const { address, definition } = seat;
    const reporter = reporterOf(seat);
    const system = this.#system(address, definition.name, (_path, line) => {
      const exchange = readExchange(line, reporter);
      if (exchange) for (const listener of this.#listeners) listener(exchange);
    });
    if (seat.kind === 'workload') {
      const { network, clock } = system;
      const workload = seat.definition.env.WORKLOAD ?? definition.name;
      this.#programs.push(await startEchoProgram({ workload, at: { address: '127.0.0.1', port: seat.appPort }, network, clock }));
    }
    const bootstrap = Bootstrap.fromJSON(
      JSON.parse(bootstrapOf(seat, { xdsAddress: { address: '127.0.0.1', port: 15_010 }, sdsSocket: '/sds' })),
    );
    if (authority === undefined) throw new Error('invariant: the simulation has an authority');
    const { namespace, serviceAccount, name: holder } = definition;
    const identity = { trustDomain: authority.trustDomain, namespace, serviceAccount };
    const certified = {
      spiffeId: formatSpiffeId(identity),
      lifeSeconds: this.#options.leafLifeSeconds ?? DEFAULT_LIFE_S,
      issue: async (request: { readonly csr: string; readonly lifeSeconds: number }) => {
        if (!this.#certifies) throw new Error('nobody certifies at the moment');
        return await authority.certify({ identity, holder }, request);
      },
    };
    this.#proxies.push(await startProxy(bootstrap, system, { openAds, identity: certified }));
  }

  /** One caller after another: time can pass only once. */
  #advance(ms: number): Promise<void> {
    this.#time = this.#time.then(() => this.#world.clock.advance(ms));
    return this.#time;
  }

  #converged(version: number): Promise<void> {
    const workloads = this.#seats.map(({ definition }) => definition.name);
    const { clock } = this.#world;
    return converged(
      { version, workloads },
      { sync: () => this.#plane.sync(), nowMs: () => clock.nowMs(), pause: () => this.#advance(STEP_MS) },
    );
  }

  #admin(workload: string, path: string): Promise<string> {
    return getPage(this.#world.network.from('127.0.0.1'), { address: seatOf(this.#seats, workload).address, port: ADMIN_PORT }, path);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.close()));
    await this.#controlPlane?.close();
    await Promise.all(this.#programs.splice(0).map((program) => program.close()));
  }

  async #suspend(meanwhile: () => Promise<void>): Promise<void> {
    this.#certifies = false;
    try {
      await meanwhile();
    } finally {
      this.#certifies = true;
    }
  }

  environment(): Environment {
    const outside = this.#world.network.from('127.0.0.1');
    return {
      name: this.#options.name ?? this.#definition.name,
      mode: 'simulation',
      driver: 'simulation',
      dataPlane: 'dinghy',
      configuredBy: 'dinghy',
      controlPlane: { url: '', token: this.#plane.token },
      workloads: runningWorkloads(this.#seats),
      gateways: runningGateways(this.#seats),
      exchanges: {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      identity: {
        report: async () => this.#authority.report(),
        rotate: (step) => this.#authority.rotate(step),
        suspend: (meanwhile) => this.#suspend(meanwhile),
      },
      wallTimeMs: () => this.#world.clock.wallTimeMs(),
      startLone: this.#startLone,
      openAds: this.#plane.openAds,
      connect: (address, port) => outside.connect({ address, port }, { timeoutMs: 1_000 }),
      applyYaml: async (yaml) => {
        const { problems, version } = this.#plane.apply({ 'applied.yaml': yaml });
        return { problems: refusalsIn(problems), version };
      },
      deleteYaml: async (yaml) => ({ version: this.#plane.removeFiles({ 'deleted.yaml': yaml }).version }),
      sync: async () => this.#plane.sync(),
      waitForVersion: (version) => this.#converged(version),
      vips: async () => this.#plane.vips(),
      admin: (workload, path) => this.#admin(workload, path),
      tls: this.#system('127.0.0.1', 'outside').tls,
      advance: (ms) => this.#advance(ms),
      [Symbol.asyncDispose]: () => this.stop(),
    };
  }
}
