/** Every part of the mesh as an ordinary process on loopback. Needs nothing but Node, no privilege. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Exchange } from '#api/exchange.ts';
import { sidecarBootstrap } from '#controlplane';
import { grpcAdsStream } from '#proxy';
import { type AddressBlock, freePorts, takeAddressBlock } from '../addresses.ts';
import { type ControlPlaneClient, controlPlaneClient } from '../control-plane-client.ts';
import { converged } from '../convergence.ts';
import { type DataPlane, findDataPlane } from '../data-planes/data-plane.ts';
import type { GatewayDefinition, MeshDefinition, WorkloadDefinition } from '../definition.ts';
import type { Environment, EnvironmentOptions, RunningGateway, RunningWorkload } from '../environment.ts';
import { readExchange } from '../exchange-line.ts';
import { RUN_DIRECTORY, removeRunFile, writeRunFile } from '../run-file.ts';
import { type Child, Supervisor } from '../supervisor.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUTBOUND_PORT = 15_001;
const ADMIN_PORT = 15_000;
const VIPS_REFRESH_MS = 500;

interface Seat {
  readonly definition: WorkloadDefinition | GatewayDefinition;
  readonly address: string;
  /** Absent for gateways. */
  readonly appPort?: number;
}

/** Starts control plane, programs and proxies, and settles when every proxy has its configuration. */
export const startProcessMode = async (definition: MeshDefinition, options: EnvironmentOptions): Promise<Environment> => {
  const dataPlane = findDataPlane(options.dataPlane);
  const block = await takeAddressBlock();
  const name = options.name ?? definition.name;
  const directory = join(RUN_DIRECTORY, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const mesh = new ProcessMesh({ name, directory, definition, dataPlane, block });
  try {
    await mesh.start();
    return mesh.environment();
  } catch (error) {
    await mesh.stop();
    throw error;
  }
};

interface MeshInput {
  readonly name: string;
  readonly directory: string;
  readonly definition: MeshDefinition;
  readonly dataPlane: DataPlane;
  readonly block: AddressBlock;
}

/** LIVING STATE of one mesh. */
class ProcessMesh {
  readonly #input: MeshInput;
  readonly #supervisor: Supervisor;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #listeners = new Set<(exchange: Exchange) => void>();
  readonly #proxies = new Map<string, Child>();
  readonly #seats: Seat[] = [];
  /** As last told: they hold while the control plane is away. */
  #vips: Readonly<Record<string, string>> = {};
  #controlPlane: Child | undefined;
  #http = '';
  #xds = '';
  #client: ControlPlaneClient | undefined;
  #refresh: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(input: MeshInput) {
    this.#input = input;
    this.#supervisor = new Supervisor(input.directory);
    this.#supervisor.ownFile(join(RUN_DIRECTORY, `${input.name}.json`));
  }

  async start(): Promise<void> {
    const { definition, block } = this.#input;
    const appPorts = await freePorts(definition.workloads.length);
    for (const [index, workload] of definition.workloads.entries()) {
      this.#seats.push({ definition: workload, address: block.address(index + 1), appPort: appPorts[index] as number });
    }
    for (const [index, gateway] of definition.gateways.entries())
      this.#seats.push({ definition: gateway, address: block.address(200 + index) });
    writeFileSync(this.#vipsFile, '{}');
    for (const seat of this.#seats) this.#startProgram(seat);
    await this.#startControlPlane('127.0.0.1:0', '127.0.0.1:0');
    const { problems, version } = await this.#api().apply(definition.resources);
    const error = problems.find(({ severity }) => severity === 'error');
    if (error) throw new Error(`${error.file}:${error.line}: ${error.path}: ${error.message}`);
    await this.#refreshVips();
    this.#refresh = setInterval(() => void this.#refreshVips().catch(() => {}), VIPS_REFRESH_MS).unref();
    for (const seat of this.#seats) this.#startProxy(seat);
    await this.#converged(version);
    this.#tell();
  }

  get #vipsFile(): string {
    return join(this.#input.directory, 'vips.json');
  }

  #api(): ControlPlaneClient {
    if (this.#client === undefined) throw new Error('invariant: the control plane is started first');
    return this.#client;
  }

  /** The programs read this file again when it changes; replaced whole, so that nobody reads half of it. */
  async #refreshVips(): Promise<void> {
    const vips = await this.#api().vips();
    this.#vips = vips;
    writeFileSync(`${this.#vipsFile}.new`, JSON.stringify(vips));
    renameSync(`${this.#vipsFile}.new`, this.#vipsFile);
  }

  #startControlPlane(http: string, xds: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const onLine = (line: string): boolean => {
        if (!line.startsWith('{"ready"')) return false;
        const ready = JSON.parse(line) as { http: string; xds: string };
        this.#http = ready.http;
        this.#xds = ready.xds;
        this.#client = controlPlaneClient(`http://${ready.http}`, this.#token);
        clearInterval(watch);
        resolve();
        return true;
      };
      const child = this.#supervisor.start({
        name: 'control-plane',
        command: process.execPath,
        args: [
          join(ROOT, 'controlplane/main.ts'),
          '--http-address',
          http,
          '--xds-address',
          xds,
          '--debounce-ms',
          '10',
          '--log-level',
          'warn',
        ],
        env: { DINGHY_TOKEN: this.#token },
        onLine,
        restart: false,
      });
      this.#controlPlane = child;
      const watch = setInterval(() => {
        if (!child.ended()) return;
        clearInterval(watch);
        reject(new Error(`the control plane did not start: ${child.lastLines().slice(-3).join(' | ')}`));
      }, 50);
    });
  }

  #startProgram({ definition, address, appPort }: Seat): void {
    if (appPort === undefined || !('program' in definition)) return;
    const env = {
      ...definition.env,
      PORT: String(appPort),
      DINGHY_OUTBOUND: `${address}:${OUTBOUND_PORT}`,
      DINGHY_VIPS: this.#vipsFile,
      DINGHY_NAMESPACE: definition.namespace,
    };
    const args = ['--require', join(ROOT, 'environment/capture/preload.cjs'), join(ROOT, definition.program)];
    this.#supervisor.start({ name: `${definition.name}.app`, command: process.execPath, args, env, restart: true });
  }

  #startProxy(seat: Seat): void {
    const { definition, address, appPort } = seat;
    const { name, namespace, labels, serviceAccount } = definition;
    const isGateway = appPort === undefined;
    const [host = '', port] = this.#xds.split(':');
    const bootstrap = sidecarBootstrap({
      node: {
        type: isGateway ? 'router' : 'sidecar',
        ip: address,
        workload: name,
        namespace,
        labels,
        serviceAccount,
        appPorts: 'port' in definition && appPort !== undefined ? { [definition.port]: appPort } : {},
      },
      adminAddress: { address, port: ADMIN_PORT },
      xdsAddress: { address: host, port: Number(port) },
    });
    const { directory, dataPlane } = this.#input;
    const file = join(directory, `${name}.bootstrap.json`);
    writeFileSync(file, bootstrap);
    const reporter = { name, address, isGateway };
    const onLine = (line: string): boolean => {
      const exchange = readExchange(line, reporter);
      if (exchange) for (const listener of this.#listeners) listener(exchange);
      return exchange !== undefined;
    };
    const fifo = dataPlane.opensStdoutByName ? { fifo: join(directory, `${name}.stdout`) } : {};
    this.#proxies.set(
      name,
      this.#supervisor.start({
        name: `${name}.proxy`,
        command: dataPlane.command,
        args: dataPlane.args(file),
        onLine,
        restart: true,
        ...fifo,
      }),
    );
  }

  async #converged(version: number): Promise<void> {
    const workloads = this.#seats.map(({ definition }) => definition.name);
    try {
      await converged(() => this.#api().sync(), { version, workloads });
    } catch (error) {
      const ill = [...this.#proxies.values()].find((proxy) => proxy.lastLines().length > 0);
      const words = error instanceof Error ? error.message : String(error);
      throw new Error(ill === undefined ? words : `${words}\n${ill.name}: ${ill.lastLines().slice(-5).join('\n')}`, { cause: error });
    }
  }

  #workload({ definition, address }: Seat): RunningWorkload {
    const pid = this.#proxies.get(definition.name)?.pid();
    return {
      name: definition.name,
      namespace: definition.namespace,
      address,
      adminUrl: `http://${address}:${ADMIN_PORT}`,
      ...(pid === undefined ? {} : { pid }),
    };
  }

  #workloads(): RunningWorkload[] {
    return this.#seats.filter(({ appPort }) => appPort !== undefined).map((seat) => this.#workload(seat));
  }

  #gateways(): RunningGateway[] {
    return this.#seats.flatMap((seat) =>
      'ports' in seat.definition ? [{ ...this.#workload(seat), url: `http://${seat.address}:${seat.definition.ports[0] ?? 80}` }] : [],
    );
  }

  #tell(): void {
    const { name, dataPlane } = this.#input;
    writeRunFile({
      name,
      pid: process.pid,
      mode: 'process',
      dataPlane: dataPlane.name,
      startedAt: new Date().toISOString(),
      controlPlane: { url: `http://${this.#http}`, token: this.#token },
      gateways: this.#gateways(),
      workloads: this.#workloads(),
    });
  }

  /** Programs, proxies, control plane, files. Safe to call twice. */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      clearInterval(this.#refresh);
      await this.#supervisor.stop();
      this.#input.block.release();
      removeRunFile(this.#input.name);
    })();
    return this.#stopping;
  }

  /** The store lives in the control plane's memory: what was applied is applied again. */
  async #restartControlPlane(meanwhile: () => Promise<void>): Promise<void> {
    const files = Object.fromEntries(
      (await this.#api().resources()).map(({ kind, namespace, name, yaml }) => [`${kind}-${namespace}-${name}.yaml`, yaml]),
    );
    await this.#controlPlane?.stop();
    try {
      await meanwhile();
    } finally {
      await this.#startControlPlane(this.#http, this.#xds);
      const { version } = await this.#api().apply(files);
      await this.#converged(version);
    }
  }

  environment(): Environment {
    const { name, dataPlane } = this.#input;
    return {
      name,
      mode: 'process',
      driver: 'process',
      dataPlane: dataPlane.name,
      controlPlane: { url: `http://${this.#http}`, token: this.#token },
      workloads: this.#workloads(),
      gateways: this.#gateways(),
      exchanges: {
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      openAds: grpcAdsStream({ address: this.#xds.split(':')[0] ?? '', port: Number(this.#xds.split(':')[1]) }),
      connect: (host, port) =>
        new Promise((resolve, reject) => {
          const socket = connect({ host, port, noDelay: true, allowHalfOpen: true }, () => resolve(socket)).once('error', reject);
        }),
      applyYaml: async (yaml) => {
        const { problems, version } = await this.#api().apply({ 'applied.yaml': yaml });
        return {
          problems: problems
            .filter(({ severity }) => severity === 'error')
            .map(({ file, line, column, path, message }) => `${file}:${line}:${column}: ${path}: ${message}`),
          version,
        };
      },
      deleteYaml: async (yaml) => ({ version: (await this.#api().remove({ 'deleted.yaml': yaml })).version }),
      sync: () => this.#api().sync(),
      waitForVersion: (version) => this.#converged(version),
      vips: async () => {
        await this.#refreshVips().catch(() => {});
        return this.#vips;
      },
      admin: async (workload, path) => {
        const seat = this.#seats.find(({ definition }) => definition.name === workload);
        if (seat === undefined) throw new Error(`no workload ${workload}`);
        return (await fetch(`http://${seat.address}:${ADMIN_PORT}${path}`)).text();
      },
      restartControlPlane: (meanwhile) => this.#restartControlPlane(meanwhile),
      [Symbol.asyncDispose]: () => this.stop(),
    };
  }
}
