/** A cluster in a simulated world whose hosts answer as they are told. Test code. */
import { ClusterLoadAssignment, Cluster as ClusterMessage } from '#envoy';
import type { Connection } from '#system/network.ts';
import { type SimulatedSystem, simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import { StreamRecord } from '../../http/stream-record.ts';
import { Cluster } from '../cluster.ts';
import { ClusterManager } from '../cluster-manager.ts';
import { compileCluster } from '../compile-cluster.ts';
import { compileEndpoints } from '../compile-endpoints.ts';

/** What a host does with a request: a status, a whole message, or nothing at all. */
export type Answer = number | string | 'reset' | 'silence';

/** A host on its own port. */
export class TestHost {
  answer: Answer = 200;
  /** What came in, request by request. */
  readonly received: string[] = [];
  connections = 0;
  readonly port: number;
  readonly #system: SimulatedSystem;
  #close: (() => Promise<void>) | undefined;

  constructor(system: SimulatedSystem, port: number) {
    this.#system = system;
    this.port = port;
  }

  get key(): string {
    return `10.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    const bound = await this.#system.network.listen({ address: '10.0.0.1', port: this.port }, (connection) => this.#accept(connection));
    this.#close = () => bound.close();
  }

  /** Connections are refused from now on. */
  async refuse(): Promise<void> {
    await this.#close?.();
  }

  #accept(connection: Connection): void {
    this.connections++;
    connection.on('data', (bytes: Buffer) => {
      this.received.push(bytes.toString('latin1'));
      const { answer } = this;
      if (answer === 'silence') return;
      if (answer === 'reset') connection.resetAndDestroy();
      else if (typeof answer === 'number') connection.write(`HTTP/1.1 ${answer} X\r\ncontent-length: 0\r\n\r\n`);
      else connection.write(answer);
    });
    connection.on('error', () => {});
  }
}

const REQUEST: HttpRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'echo',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};

const NEAR = { address: '10.0.0.1', port: 80 };

/** A running cluster and what surrounds it. */
export const watchedCluster = async (
  config: object,
  { hosts = 2, seed = 1, endpoint = {} as object, answer = 200 as Answer, ejectionLogPath = '' } = {},
) => {
  const system = simulatedSystem({ seed });
  const all = Array.from({ length: hosts }, (_, index) => new TestHost(system, index + 1));
  for (const host of all) {
    host.answer = answer;
    await host.open();
  }
  const manager = new ClusterManager(system, undefined, ejectionLogPath);
  const compiled = (ports: readonly number[], changed: object = {}) => {
    const message = ClusterMessage.fromJSON({ name: 'echo', connectTimeout: '1s', ...config, ...changed });
    const lbEndpoints = ports.map((portValue) => ({
      endpoint: { address: { socketAddress: { address: '10.0.0.1', portValue } }, ...endpoint },
    }));
    const assignment = ClusterLoadAssignment.fromJSON({ clusterName: 'echo', endpoints: [{ lbEndpoints }] });
    return { config: compileCluster(message), endpoints: compileEndpoints(assignment) };
  };
  const first = compiled(all.map(({ port }) => port));
  const take = (next: ReturnType<typeof compiled>): void => manager.reconcile(new Map([['echo', next]]));
  take(first);
  const cluster = (): Cluster => {
    const { current } = manager.slot('echo');
    if (!(current instanceof Cluster)) throw new Error('the cluster is gone');
    return current;
  };
  const send = async (request: Partial<HttpRequest> = {}, stream = new StreamRecord(1, { id: 1, local: NEAR, remote: NEAR }, 0, 0)) => {
    const sent = cluster().send({ ...REQUEST, ...request }, stream, { repicks: 0 });
    const outcome: HttpResponse | Error = await sent.catch((error: Error) => error);
    return { outcome, host: stream.attempts[0]?.host, status: 'status' in outcome ? outcome.status : undefined, stream };
  };
  return {
    system,
    hosts: all,
    manager,
    cluster,
    send,
    /** Other endpoints or another configuration, as a control plane would send them. */
    change: (ports: readonly number[], changed: object = {}): void => take(compiled(ports, changed)),
    /** Only the endpoints, with the configuration that is in force. */
    endpoints: (ports: readonly number[]): void => take({ config: cluster().config, endpoints: compiled(ports).endpoints }),
    /** As many requests as it takes for that host to get this many. */
    hit: async (host: TestHost, times: number): Promise<void> => {
      for (let hits = 0, tries = 0; hits < times && tries < times * 200; tries++) if ((await send()).host === host.key) hits++;
    },
    flags: (host: TestHost): boolean => cluster().hosts.get(host.key)?.marks.failedOutlierCheck ?? false,
    stat: (name: string): number | undefined => system.metrics.value(`cluster.echo.${name}`),
    events: (name: string) => system.events.filter(({ event }) => event === name).map(({ fields }) => fields),
  };
};
