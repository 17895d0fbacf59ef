/** Every part of the mesh as an ordinary process on loopback. Needs nothing but Node, no privilege. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { grpcAdsStream } from '#ads-stream';
import type { Exchange } from '#api/exchange.ts';
import { realClock } from '#system/clock.ts';
import { type AddressBlock, freePorts, takeAddressBlock } from '../addresses.ts';
import type { ControlPlaneClient } from '../control-plane-client.ts';
import { ControlPlaneProcess } from '../control-planes/dinghy.ts';
import { Istiod } from '../control-planes/istiod/istiod.ts';
import { labelled } from '../control-planes/istiod/seat-resources.ts';
import { allReady, converged } from '../convergence.ts';
import { type DataPlane, findDataPlane } from '../data-planes/data-plane.ts';
import type { MeshDefinition } from '../definition.ts';
import { readExchange } from '../exchange-line.ts';
import { Identities } from '../identities.ts';
import { loneAddresses, startLoneProcess } from '../lone-proxy.ts';
import { advanceMesh, readAheadMs } from '../mesh-clock.ts';
import type { ControlPlaneName, Environment, EnvironmentOptions, StartLone } from '../mode.ts';
import { mustBeAccepted, refusalsIn } from '../refusals.ts';
import { RUN_DIRECTORY, removeRunFile, writeRunFile } from '../run-file.ts';
import { adminUrlOf, reporterOf, runningGateways, runningWorkloads, type Seat, seatOf, seatsOf } from '../seats.ts';
import { type Child, Supervisor } from '../supervisor.ts';
import { aborted } from './aborted.ts';
import { programOf, sidecarOf } from './process-children.ts';

const VIPS_REFRESH_MS = 500;
/** A token lives 10 minutes. */
const TOKEN_REFRESH_MS = 240_000;
const LOOK_AGAIN_MS = 5;
const CONTROL_PLANE_HOST = 250;
const ISTIOD_HOST = 249;
/** Many processes start at once, on machines on which much else may run. */
const START_PATIENCE_MS = 60_000;
/** Proxies that lost it come back after half a minute at the latest. */
const RESTART_PATIENCE_MS = 60_000;
/** A proxy that ended by itself so often in a row is not waited for. */
const HOPELESS_FAILURES = 4;

/** Starts control plane, programs and proxies, and settles when every proxy has its configuration. */
export const startProcessMode = async (definition: MeshDefinition, options: EnvironmentOptions): Promise<Environment> => {
  const dataPlane = findDataPlane(options.dataPlane);
  const block = await takeAddressBlock();
  const controlPlane = options.controlPlane ?? 'dinghy';
  if (controlPlane === 'istiod' && options.dataPlane !== 'envoy') throw new Error('istiod configures Envoys: ask for --data-plane envoy');
  const appPorts = await freePorts(definition.workloads.length);
  const name = options.name ?? definition.name;
  const directory = join(RUN_DIRECTORY, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const plainSeats = seatsOf(definition, { address: block.address, appPorts });
  const seats = controlPlane === 'istiod' ? plainSeats.map(labelled) : plainSeats;
  const mesh = new ProcessMesh({ name, directory, definition, dataPlane, controlPlane, block, seats, options });
  try {
    await Promise.race([mesh.start(), aborted(options.signal)]);
    return mesh.environment();
  } catch (error) {
    await mesh.stop();
    // The logs of a start that failed say why; one that somebody ended has nothing to say.
    if (options.signal?.aborted) rmSync(directory, { recursive: true, force: true });
    throw error;
  }
};

type Configuration = Pick<ControlPlaneClient, 'apply' | 'remove' | 'sync' | 'vips'>;

interface MeshInput {
  readonly name: string;
  readonly directory: string;
  readonly definition: MeshDefinition;
  readonly dataPlane: DataPlane;
  readonly controlPlane: ControlPlaneName;
  readonly block: AddressBlock;
  readonly seats: readonly Seat[];
  readonly options: EnvironmentOptions;
}

/** LIVING STATE of one mesh. */
class ProcessMesh {
  readonly #input: MeshInput;
  readonly #supervisor: Supervisor;
  readonly #controlPlane: ControlPlaneProcess;
  /** In its place, where that is wanted: certificates come from ours in any case. */
  readonly #istiod: Istiod | undefined;
  readonly #identities: Identities;
  readonly #listeners = new Set<(exchange: Exchange) => void>();
  readonly #proxies = new Map<string, Child>();
  readonly #startLone: StartLone;
  #tokens: NodeJS.Timeout | undefined;
  /** As last told: they hold while the control plane is away. */
  #vips: Readonly<Record<string, string>> = {};
  #refresh: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #stopping: Promise<void> | undefined;
  /** How far the mesh's time is ahead of the machine's, as last told by the control plane: who starts later starts there. */
  #aheadMs = 0;

  constructor(input: MeshInput) {
    const { name, directory, block, options } = input;
    this.#input = input;
    this.#supervisor = new Supervisor(directory);
    this.#supervisor.ownFile(join(RUN_DIRECTORY, `${name}.json`));
    this.#controlPlane = new ControlPlaneProcess({
      supervisor: this.#supervisor,
      address: block.address(CONTROL_PLANE_HOST),
      directory,
      importAuthority: options.importAuthority,
      onReady: () => this.#refreshTokens(),
      ...(this.#hasClock && { aheadMs: () => this.#aheadMs }),
    });
    const istiodSeat = { supervisor: this.#supervisor, address: block.address(ISTIOD_HOST), directory, seats: input.seats };
    this.#istiod = input.controlPlane === 'istiod' ? new Istiod(istiodSeat) : undefined;
    const { client, caAddress, caDirectory } = this.#controlPlane;
    this.#identities = new Identities({
      directory: join(directory, 'identity'),
      client,
      caAddress,
      caRoots: join(caDirectory, 'roots.pem'),
      lifeSeconds: options.leafLifeSeconds,
    });
    this.#startLone = startLoneProcess({
      supervisor: this.#supervisor,
      dataPlane: input.dataPlane,
      directory,
      write: (path, text) => writeFileSync(path, text, { mode: 0o600 }),
      nextAddress: loneAddresses(block.address),
    });
    // Whatever a failed start leaves behind to say why, keys are not of it.
    for (const secret of ['ca', 'identity']) this.#supervisor.ownFile(join(directory, secret));
  }

  async start(): Promise<void> {
    const { definition, directory, seats } = this.#input;
    writeFileSync(this.#vipsFile, '{}');
    for (const seat of seats) if (seat.kind === 'workload') this.#supervisor.start(programOf(seat, this.#vipsFile));
    await this.#controlPlane.start();
    await this.#istiod?.start(definition.resources);
    const { problems, version } = await this.#configuration.apply(definition.resources);
    mustBeAccepted(problems);
    await this.#refreshVips();
    // While the control plane is away the addresses stay what they are.
    this.#refresh = setInterval(() => void this.#lookAgain().catch(() => {}), VIPS_REFRESH_MS).unref();
    for (const seat of seats) this.#startProxy(seat);
    this.#tokens = setInterval(() => this.#refreshTokens(), TOKEN_REFRESH_MS).unref();
    await this.#converged(version, START_PATIENCE_MS);
    await allReady(seats.map(adminUrlOf), { nowMs: () => performance.now(), pause: () => sleep(LOOK_AGAIN_MS) });
    this.#tell();
    // From now on its logs are of no use to anybody once it ends; those of a start that failed say why.
    this.#supervisor.ownFile(directory);
    this.#hasStarted = true;
  }

  /** Who takes what people write, and knows which proxy runs what. */
  get #configuration(): Configuration {
    return this.#istiod ?? this.#controlPlane.client;
  }

  get #vipsFile(): string {
    return join(this.#input.directory, 'vips.json');
  }

  /** The programs read this file again when it changes; replaced whole, so that nobody reads half of it. */
  async #refreshVips(): Promise<void> {
    this.#vips = await this.#configuration.vips();
    writeFileSync(`${this.#vipsFile}.new`, JSON.stringify(this.#vips));
    renameSync(`${this.#vipsFile}.new`, this.#vipsFile);
  }

  /** An Envoy's clock is the machine's. */
  get #hasClock(): boolean {
    return this.#input.options.instruments !== undefined && this.#input.dataPlane.name === 'dinghy';
  }

  async #lookAgain(): Promise<void> {
    await this.#refreshVips();
    if (this.#hasClock) this.#noteTime(await readAheadMs(this.#controlPlane));
  }

  /** Tokens live ten minutes of the control plane's time: after a jump everybody needs another one. */
  #noteTime(aheadMs: number): void {
    if (aheadMs === this.#aheadMs) return;
    this.#aheadMs = aheadMs;
    this.#refreshTokens();
  }

  async #advanceClocks(ms: number): Promise<number> {
    const { dataPlane } = this.#input;
    const { url, token } = this.#controlPlane;
    const aheadMs = await advanceMesh(
      { dataPlane: dataPlane.name, controlPlane: { url, token }, adminUrls: this.#input.seats.map(adminUrlOf) },
      ms,
    );
    this.#noteTime(aheadMs);
    return aheadMs;
  }

  /** So that who was cut off for longer than its certificate lived comes back by itself. */
  #refreshTokens(): void {
    for (const seat of this.#input.seats) if (this.#proxies.has(seat.definition.name)) void this.#identities.refresh(seat).catch(() => {});
  }

  #startProxy(seat: Seat): void {
    const { directory, dataPlane, options } = this.#input;
    const { seed } = options;
    const { name } = seat.definition;
    const reporter = reporterOf(seat);
    const { agent, proxy } = sidecarOf(seat, {
      directory,
      dataPlane,
      xdsAddress: (this.#istiod ?? this.#controlPlane).xdsAddress,
      identityFile: this.#identities.fileOf(seat),
      ...(this.#hasClock && { clockAheadMs: () => this.#aheadMs }),
      ...(seed !== undefined && { seed }),
      // A token is good once, so each start needs its own.
      prepare: () => this.#identities.refresh(seat),
      onLine: (line) => {
        const exchange = readExchange(line, reporter);
        if (exchange) for (const listener of this.#listeners) listener(exchange);
        return exchange !== undefined;
      },
    });
    if (agent) this.#supervisor.start(agent);
    this.#proxies.set(name, this.#supervisor.start(proxy));
  }

  async #converged(version: number, patienceMs?: number): Promise<void> {
    const workloads = this.#input.seats.map(({ definition }) => definition.name);
    const sync = () => this.#configuration.sync();
    const pause = () => {
      const hopeless = [...this.#proxies.values()].find((proxy) => proxy.failures() >= HOPELESS_FAILURES);
      if (hopeless !== undefined) throw new Error(`${hopeless.name} does not start`);
      return sleep(LOOK_AGAIN_MS);
    };
    try {
      await converged(
        { version, workloads, ...(patienceMs !== undefined && { patienceMs }) },
        { sync, nowMs: () => performance.now(), pause },
      );
    } catch (error) {
      const ill = [...this.#proxies.values()].find((proxy) => proxy.lastLines().length > 0);
      const words = error instanceof Error ? error.message : String(error);
      throw new Error(ill === undefined ? words : `${words}\n${ill.name}: ${ill.lastLines().slice(-5).join('\n')}`, { cause: error });
    }
  }

  readonly #pidOf = (name: string): number | undefined => this.#proxies.get(name)?.pid();

  #tell(): void {
    const { name, dataPlane, seats } = this.#input;
    const { url, token } = this.#controlPlane;
    writeRunFile({
      name,
      pid: process.pid,
      mode: 'process',
      dataPlane: dataPlane.name,
      startedAt: new Date().toISOString(),
      controlPlane: { url, token },
      gateways: runningGateways(seats, this.#pidOf),
      workloads: runningWorkloads(seats, this.#pidOf),
    });
  }

  /** Programs, proxies, control plane, files. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      clearInterval(this.#refresh);
      clearInterval(this.#tokens);
      await this.#supervisor.stop();
      this.#identities.remove();
      rmSync(this.#controlPlane.caDirectory, { recursive: true, force: true });
      this.#input.block.release();
      removeRunFile(this.#input.name);
      if (this.#hasStarted) rmSync(this.#input.directory, { recursive: true, force: true });
    })();
    return this.#stopping;
  }

  async #restartControlPlane(meanwhile: () => Promise<void>): Promise<void> {
    await this.#controlPlane.stop();
    try {
      await meanwhile();
    } finally {
      await this.#controlPlane.start();
      await this.#converged((await this.#controlPlane.client.sync()).version, RESTART_PATIENCE_MS);
    }
  }

  environment(): Environment {
    const { name, dataPlane, seats } = this.#input;
    const controlPlane = this.#controlPlane;
    const { client, url, token } = controlPlane;
    const configuration = this.#configuration;
    const { xdsAddress } = this.#istiod ?? controlPlane;
    return {
      name,
      mode: 'process',
      driver: 'process',
      dataPlane: dataPlane.name,
      configuredBy: this.#input.controlPlane,
      get controlPlane() {
        const { pid } = controlPlane;
        return { url, token, ...(pid !== undefined && { pid }) };
      },
      workloads: runningWorkloads(seats, this.#pidOf),
      gateways: runningGateways(seats, this.#pidOf),
      exchanges: {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      identity: { report: () => client.authority(), rotate: (step) => client.rotate(step) },
      wallTimeMs: () => Date.now() + this.#aheadMs,
      advanceClocks: (ms) => this.#advanceClocks(ms),
      startLone: this.#startLone,
      openAds: grpcAdsStream(xdsAddress, realClock()),
      connect: (host, port) =>
        new Promise((resolve, reject) => {
          const socket = connect({ host, port, noDelay: true, allowHalfOpen: true }, () => resolve(socket)).once('error', reject);
        }),
      applyYaml: async (yaml) => {
        const { problems, version } = await configuration.apply({ 'applied.yaml': yaml });
        return { problems: refusalsIn(problems), version };
      },
      deleteYaml: async (yaml) => ({ version: (await configuration.remove({ 'deleted.yaml': yaml })).version }),
      sync: async () => configuration.sync(),
      waitForVersion: (version) => this.#converged(version),
      vips: async () => {
        await this.#refreshVips().catch(() => {});
        return this.#vips;
      },
      admin: async (workload, path) => (await fetch(`${adminUrlOf(seatOf(seats, workload))}${path}`)).text(),
      restartControlPlane: (meanwhile) => this.#restartControlPlane(meanwhile),
      [Symbol.asyncDispose]: () => this.stop(),
    };
  }
}
