/** A real istiod as the mesh's control plane: no Kubernetes, its configuration from files. Certificates still come from this project's authority. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXCHANGE_LOG_FORMAT } from '#api/exchange.ts';
import type { ApplyResult, Problem } from '#api/resource.ts';
import type { SyncStatus } from '#api/sync.ts';
import type { SocketAddress } from '#system/network.ts';
import type { Files } from '../../control-plane-client.ts';
import { adminUrlOf, type Seat } from '../../seats.ts';
import type { Supervisor } from '../../supervisor.ts';
import { istiodBinary, istiodMissing } from './binary.ts';
import { ConfigFolder } from './config-folder.ts';
import { MARKER_PAGE, MARKER_PORT, markerHost, markers, stateIn } from './marker.ts';
import { seatResources } from './seat-resources.ts';
import { type IstiodChange, toIstiod } from './without-kubernetes.ts';

const XDS_PORT = 15_010;
const HTTP_PORT = 15_015;
const MONITORING_PORT = 15_014;
const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 20;

/** What makes it run without Kubernetes, and send nothing that only Istio's own Envoy knows. */
const ENVIRONMENT = {
  POD_NAMESPACE: 'istio-system',
  POD_NAME: 'istiod-0',
  CLUSTER_ID: 'Kubernetes',
  ENABLE_CA_SERVER: 'false',
  PILOT_CERT_PROVIDER: 'none',
  XDS_AUTH: 'false',
  PILOT_ENABLE_XDS_IDENTITY_CHECK: 'false',
  ENABLE_XDS_API_GENERATOR_AUTH: 'false',
  ENABLE_DEBUG_ON_HTTP: 'true',
  UNSAFE_ENABLE_ADMIN_ENDPOINTS: 'true',
  PILOT_ENABLE_METADATA_EXCHANGE: 'false',
  PILOT_ENABLE_ALPN_FILTER: 'false',
  PILOT_ENABLE_GATEWAY_API: 'false',
  PILOT_ENABLE_AMBIENT: 'false',
  PILOT_ENABLE_ANALYSIS: 'false',
  PILOT_ENABLE_WORKLOAD_ENTRY_AUTOREGISTRATION: 'false',
  PILOT_ENABLE_IP_AUTOALLOCATE: 'false',
  PILOT_DEBOUNCE_AFTER: '10ms',
  PILOT_DEBOUNCE_MAX: '1s',
};

/** Where it runs and whom it serves. directory: for its files. */
export interface IstiodSeat {
  readonly supervisor: Supervisor;
  readonly address: string;
  readonly directory: string;
  readonly seats: readonly Seat[];
}

/** LIVING STATE: one istiod. */
export class Istiod {
  readonly xdsAddress: SocketAddress;
  readonly #seat: IstiodSeat;
  readonly #folder: ConfigFolder;
  readonly #vips = new Map<string, string>();
  /** What it said last when it would not take the files. */
  #refusal: string | undefined;
  #meshConfig: Readonly<Record<string, unknown>> = {};
  /** Of each version the state of the files that made it; a state that was refused made none. */
  readonly #versions: number[] = [];
  #state = 0;
  /** By workload: what its proxy would not take, and since which version. */
  readonly #refused = new Map<string, { readonly version: number; readonly reason: string }>();

  constructor(seat: IstiodSeat) {
    const missing = istiodMissing();
    if (missing !== undefined) throw new Error(missing);
    this.#seat = seat;
    this.xdsAddress = { address: seat.address, port: XDS_PORT };
    this.#folder = new ConfigFolder(join(seat.directory, 'istiod'));
  }

  /** Settles when it listens. services: the definition's own, by which each sidecar knows what its program speaks. */
  async start(definitionFiles: Files): Promise<void> {
    const { seats } = this.#seat;
    const services = this.#read(definitionFiles).documents.filter(({ kind }) => kind === 'ServiceEntry');
    this.#folder.put([...seatResources(seats, services, MARKER_PORT), ...markers(0, seats)]);
    this.#writeMeshConfig();
    const child = this.#seat.supervisor.start({
      name: 'istiod',
      command: istiodBinary() ?? '',
      args: this.#arguments(),
      env: ENVIRONMENT,
      restart: false,
      onLine: (line) => this.#listen(line),
    });
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await answers(this.xdsAddress))) {
      if (child.ended() || performance.now() > deadline)
        throw new Error(`istiod did not start: ${child.lastLines().slice(-3).join(' | ')}`);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Settles when istiod has read it, or said why it does not. */
  async apply(files: Files): Promise<ApplyResult> {
    const change = this.#read(files);
    if (change.unread.length > 0) return this.#result([`an istiod without Kubernetes does not read ${change.unread.join(', ')}`]);
    if (change.meshConfig) this.#meshConfig = change.meshConfig;
    const takeBack = this.#folder.put(change.documents);
    const refusal = await this.#settle();
    if (refusal === undefined) return this.#accepted();
    takeBack();
    await this.#settle();
    return this.#result([refusal]);
  }

  /** What is not there is not missed. */
  async remove(files: Files): Promise<ApplyResult> {
    const { documents, meshConfig } = this.#read(files);
    if (meshConfig) this.#meshConfig = {};
    this.#folder.remove(documents);
    await this.#settle();
    return this.#accepted();
  }

  /** Asks every proxy what it runs. */
  async sync(): Promise<SyncStatus> {
    const proxies = await Promise.all(
      this.#seat.seats.map(async (seat) => {
        const page = await fetch(`${adminUrlOf(seat)}${MARKER_PAGE}`, { headers: { connection: 'close' } }).then(
          (answer) => answer.text(),
          () => undefined,
        );
        const { name, namespace } = seat.definition;
        const refused = this.#refused.get(name);
        const told = { sent: '', acknowledged: '', resources: 0, state: 'SYNCED' as const };
        const kinds = { cds: told, eds: told, sds: told, rds: told };
        const lds = { ...told, ...(refused && { refused: { version: String(refused.version), reason: refused.reason } }) };
        const state = page === undefined ? 0 : stateIn(page);
        const version = this.#versions.filter((made) => made <= state).length;
        return page === undefined ? [] : [{ node: name, workload: name, namespace, connectedAt: '', version, kinds: { ...kinds, lds } }];
      }),
    );
    return { version: this.#versions.length, proxies: proxies.flat() };
  }

  /** Host name → the address that stands for it, of every service. */
  async vips(): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries(this.#vips);
  }

  #arguments(): string[] {
    const { address } = this.#seat;
    return [
      'discovery',
      '--registries=',
      ...['--configDir', this.#folder.directory, '--meshConfig', this.#meshFile, '--networksConfig', '/nonexistent'],
      ...['--grpcAddr', `${address}:${XDS_PORT}`, '--secureGRPCAddr=', '--httpsAddr='],
      ...['--httpAddr', `${address}:${HTTP_PORT}`, '--monitoringAddr', `${address}:${MONITORING_PORT}`, '--ctrlz_port', '0'],
      ...['--keepaliveMaxServerConnectionAge', '24h', '--domain', 'cluster.local', '--log_output_level', 'default:info'],
    ];
  }

  get #meshFile(): string {
    return join(this.#seat.directory, 'istiod-mesh.yaml');
  }

  #writeMeshConfig(): void {
    const mesh = {
      rootNamespace: 'istio-system',
      trustDomain: 'cluster.local',
      accessLogFile: '/dev/stdout',
      accessLogEncoding: 'JSON',
      accessLogFormat: JSON.stringify(EXCHANGE_LOG_FORMAT),
      enableTracing: false,
      ...this.#meshConfig,
    };
    writeFileSync(
      this.#meshFile,
      JSON.stringify({ ...mesh, defaultConfig: { proxyMetadata: { DINGHY_STATE: String(this.#state) }, tracing: {} } }),
    );
  }

  #read(files: Files): IstiodChange {
    return toIstiod(Object.values(files).join('\n---\n'), (host) => this.#vipOf(host));
  }

  #vipOf(host: string): string {
    const known = this.#vips.get(host) ?? `240.240.${200 + Math.floor(this.#vips.size / 250)}.${(this.#vips.size % 250) + 1}`;
    this.#vips.set(host, known);
    return known;
  }

  /** Undefined once istiod runs the files as they are; else its words. */
  async #settle(): Promise<string | undefined> {
    const state = ++this.#state;
    this.#refusal = undefined;
    this.#writeMeshConfig();
    await this.#until(async () => new RegExp(`"DINGHY_STATE":\\s*"${state}"`).test(await this.#ask('/debug/mesh')) || undefined);
    this.#folder.put(markers(state, this.#seat.seats));
    const isRead = async (): Promise<'read' | 'refused' | undefined> => {
      if (this.#refusal !== undefined) return 'refused';
      return (await this.#ask('/debug/configz')).includes(markerHost(state)) ? 'read' : undefined;
    };
    return (await this.#until(isRead)) === 'refused' ? this.#refusal : undefined;
  }

  async #ask(path: string): Promise<string> {
    const answer = await fetch(`http://${this.#seat.address}:${HTTP_PORT}${path}`, { headers: { connection: 'close' } });
    return answer.text();
  }

  async #until<T>(look: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`istiod has not read its files within ${PATIENCE_MS / 1000} s`);
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Nothing of it is taken out of the log. */
  #listen(line: string): boolean {
    const [, refusal] = /unable to reload file configuration [^:]*: (.*?)(?:\t|$)/.exec(line) ?? [];
    if (refusal !== undefined) this.#refusal = refusal;
    const [, node = '', reason = ''] = /ACK ERROR \S*?([^\s~]+~\S+|\S+) (.*)$/.exec(line) ?? [];
    const workload = this.#seat.seats.find(({ definition: { name } }) => node.includes(`${name}.`));
    if (reason !== '' && workload) this.#refused.set(workload.definition.name, { version: this.#versions.length + 1, reason });
    return false;
  }

  #accepted(): ApplyResult {
    this.#versions.push(this.#state);
    return this.#result([]);
  }

  #result(messages: readonly string[]): ApplyResult {
    const problem = (message: string): Problem => {
      return { severity: 'error', code: '', resource: '', path: '', message, file: 'applied.yaml', line: 0, column: 0 };
    };
    return { applied: [], problems: messages.map(problem), version: this.#versions.length };
  }
}

const answers = ({ address: host, port }: SocketAddress): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port }, () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => resolve(false));
  });
