/** A cluster in a simulated world whose one backend answers when it is told to. Test code. */
import { ClusterLoadAssignment, Cluster as ClusterMessage, HttpProtocolOptions } from '#envoy';
import type { MetricRegistry } from '#system/metric-registry.ts';
import type { Connection } from '#system/network.ts';
import { type SimulatedSystem, simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../../http/body.ts';
import { HeaderMap } from '../../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../../http/message.ts';
import type { StreamError } from '../../http/stream-error.ts';
import { StreamRecord } from '../../http/stream-record.ts';
import { ClusterManager } from '../cluster-manager.ts';
import { compileCluster } from '../compile-cluster.ts';
import { compileEndpoints } from '../compile-endpoints.ts';

const REQUEST: HttpRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'echo',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};

const ADDRESS = '10.0.0.1';

/** What came of a call so far. */
export interface Call {
  readonly stream: StreamRecord;
  outcome: 'open' | 'head' | number | StreamError['flag'];
  error?: StreamError;
  response?: HttpResponse;
}

/** Holds every request until it is told what to do with it. */
export class HeldBackend {
  readonly connections: Connection[] = [];
  /** Connections on which an answer is awaited, oldest first. */
  readonly waiting: Connection[] = [];
  requests = 0;
  readonly #port: number;
  readonly #system: SimulatedSystem;
  #close: () => Promise<void> = async () => {};

  constructor(system: SimulatedSystem, port: number) {
    this.#system = system;
    this.#port = port;
  }

  async open(): Promise<this> {
    const bound = await this.#system.network.listen({ address: ADDRESS, port: this.#port }, (connection) => {
      this.connections.push(connection);
      connection.on('error', () => {});
      connection.on('data', (bytes: Buffer) => {
        if (!/ HTTP\/1\.1\r\n/.test(bytes.toString('latin1'))) return;
        this.requests++;
        this.waiting.push(connection);
      });
    });
    this.#close = () => bound.close();
    return this;
  }

  /** Further dials are refused. */
  close(): Promise<void> {
    return this.#close();
  }

  answer(index = 0): void {
    this.#take(index)?.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  }

  /** Gives a way to finish the answer. */
  answerHead(index = 0): () => void {
    const connection = this.#take(index);
    connection?.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nok');
    return () => void (connection?.destroyed === false && connection.write('ok'));
  }

  reset(index = 0): void {
    this.#take(index)?.resetAndDestroy();
  }

  #take(index: number): Connection | undefined {
    for (let at = this.waiting.length - 1; at >= 0; at--) if (this.waiting[at]?.destroyed) this.waiting.splice(at, 1);
    return this.waiting.splice(index % Math.max(1, this.waiting.length), 1)[0];
  }
}

/** As a cluster's options are handed over. */
export const httpOptions = (json: object): object => {
  const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const value = HttpProtocolOptions.encode(
    HttpProtocolOptions.fromJSON({ explicitHttpConfig: { httpProtocolOptions: {} }, ...json }),
  ).finish();
  return { typedExtensionProtocolOptions: { [type]: { typeUrl: `type.googleapis.com/${type}`, value } } };
};

/** config: Cluster in JSON form, but for options made by `httpOptions`. */
export const heldCluster = async (config: object, ports: readonly number[] = [80]) => {
  const system = simulatedSystem();
  const metrics = system.metrics as MetricRegistry;
  const backends = await Promise.all(ports.map((port) => new HeldBackend(system, port).open()));
  const manager = new ClusterManager(system);
  const assignment = ClusterLoadAssignment.fromJSON({
    clusterName: 'echo',
    endpoints: [{ lbEndpoints: ports.map((portValue) => ({ endpoint: { address: { socketAddress: { address: ADDRESS, portValue } } } })) }],
  });
  const { typedExtensionProtocolOptions = {}, ...plain } = config as {
    typedExtensionProtocolOptions?: ClusterMessage['typedExtensionProtocolOptions'];
  };
  const message = { ...ClusterMessage.fromJSON({ name: 'echo', connectTimeout: '1s', ...plain }), typedExtensionProtocolOptions };
  manager.reconcile(new Map([['echo', { config: compileCluster(message), endpoints: compileEndpoints(assignment) }]]));
  const cluster = manager.slot('echo').current;
  if (!cluster) throw new Error('the cluster does not run');
  const settle = () => system.clock.advance(0);
  /** Sends; the caller's record can be aborted. */
  const call = async (priority?: 'high', request: Partial<HttpRequest> = {}): Promise<Call> => {
    const local = { address: ADDRESS, port: 1 };
    const made: Call = { stream: new StreamRecord(1, { id: 1, local, remote: local }, 0, 0), outcome: 'open' };
    void readTo(made, cluster.send({ ...REQUEST, ...request }, made.stream, { repicks: 0, ...(priority && { priority }) }));
    await settle();
    return made;
  };
  const stat = (name: string) => metrics.value(`cluster.echo.${name}`);
  return { system, metrics, manager, cluster, backends, backend: backends[0] as HeldBackend, call, settle, stat };
};

const readTo = async (call: Call, sent: Promise<HttpResponse>): Promise<void> => {
  try {
    call.response = await sent;
    call.outcome = 'head';
    for await (const _chunk of call.response.body);
    call.outcome = call.response.status;
  } catch (error) {
    call.error = error as StreamError;
    call.outcome = call.error.flag;
  }
};
