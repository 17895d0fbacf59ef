import { describe, expect, it } from 'vitest';
import { ClusterLoadAssignment, Cluster as ClusterMessage, HttpProtocolOptions } from '#envoy';
import type { Connection } from '#system/network.ts';
import { type SimulatedSystem, simulatedSystem } from '#system/simulated-system.ts';
import { EMPTY_BODY } from '../http/body.ts';
import { HeaderMap } from '../http/header-map.ts';
import { type HttpRequest, type HttpResponse, NO_TRAILERS } from '../http/message.ts';
import { StreamRecord } from '../http/stream-record.ts';
import { ClusterManager } from './cluster-manager.ts';
import { type CompiledCluster, compileCluster } from './compile-cluster.ts';
import { compileConnectionOptions } from './compile-connection-options.ts';
import { compileEndpoints } from './compile-endpoints.ts';

const request: HttpRequest = {
  method: 'GET',
  scheme: 'http',
  authority: 'echo',
  path: '/',
  headers: HeaderMap.EMPTY,
  body: EMPTY_BODY,
  trailers: NO_TRAILERS,
};

const newStream = (port = 80) => {
  const local = { address: '10.0.0.1', port };
  return new StreamRecord(1, { id: 1, local, remote: local }, 0, 0);
};

const assignment = (...ports: number[]) =>
  ClusterLoadAssignment.fromJSON({
    clusterName: 'echo',
    endpoints: [
      { lbEndpoints: ports.map((portValue) => ({ endpoint: { address: { socketAddress: { address: '10.0.0.1', portValue } } } })) },
    ],
  });

const compiled = (config: object, ...ports: number[]): CompiledCluster => {
  const cluster = compileCluster(ClusterMessage.fromJSON({ name: 'echo', connectTimeout: '1s', ...config }));
  return { config: cluster, endpoints: compileEndpoints(assignment(...ports)) };
};

/** A host that answers each request as soon as `answer` is called for it. */
class ScriptedHost {
  readonly connections: Connection[] = [];
  readonly #waiting: Connection[] = [];
  requests = 0;

  constructor(system: SimulatedSystem, port: number, immediately: boolean) {
    void system.network.listen({ address: '10.0.0.1', port }, (connection) => {
      this.connections.push(connection);
      connection.on('data', () => {
        this.requests++;
        this.#waiting.push(connection);
        // As over a real network: never while the request is still being written.
        if (immediately) setImmediate(() => this.answer());
      });
    });
  }

  answer(): void {
    this.#waiting.shift()?.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  }
}

const setUp = (config: object, { ports = [80], immediately = true } = {}) => {
  const system = simulatedSystem();
  const hosts = ports.map((port) => new ScriptedHost(system, port, immediately));
  const manager = new ClusterManager(system);
  const update = (next: CompiledCluster) => manager.reconcile(new Map([['echo', next]]));
  update(compiled(config, ...ports));
  const cluster = () => {
    const { current } = manager.slot('echo');
    if (!current) throw new Error('the cluster is gone');
    return current;
  };
  const send = (stream = newStream(), repicks = 0): Promise<HttpResponse | Error> =>
    cluster()
      .send(request, stream, { repicks })
      .catch((error: Error) => error);
  return { system, hosts, manager, update, cluster, send };
};

const settled = (system: SimulatedSystem) => system.clock.advance(0);

describe('cluster', () => {
  it('uses one connection for requests that follow each other', async () => {
    const { send, hosts, system } = setUp({});
    for (let i = 0; i < 3; i++) {
      expect(await send()).toMatchObject({ status: 200 });
      await settled(system);
    }
    expect([hosts[0]?.connections.length, hosts[0]?.requests]).toEqual([1, 3]);
  });

  it('closes a connection after the requests it may carry', async () => {
    const { send, hosts, system } = setUp({ maxRequestsPerConnection: 2 });
    for (let i = 0; i < 6; i++) {
      await send();
      await settled(system);
    }
    expect(hosts[0]?.connections.length).toBe(3);
  });

  it('speaks HTTP/2 with hosts from the moment that the configuration says so; one that does not speak it fails the request', async () => {
    const type = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
    const value = HttpProtocolOptions.encode(HttpProtocolOptions.fromJSON({ explicitHttpConfig: { http2ProtocolOptions: {} } })).finish();
    const http2 = compiled({}, 80);
    const options = compileConnectionOptions(
      ClusterMessage.fromPartial({ typedExtensionProtocolOptions: { [type]: { typeUrl: `type.googleapis.com/${type}`, value } } }),
    );
    const { send, update, cluster, hosts, system } = setUp({});
    update({ ...http2, config: { ...http2.config, connections: options } });
    expect(await send()).toMatchObject({ flag: 'UPE', status: 502, codeDetails: 'upstream_reset_before_response_started{protocol_error}' });
    const dialled = await cluster().connect({ address: '10.0.0.1', port: 80 });
    await settled(system);
    expect(hosts[0]?.connections).toHaveLength(2);
    dialled?.connection.destroy();
  });

  it('closes connections that were idle for long enough', async () => {
    const { send, cluster, system } = setUp({ commonHttpProtocolOptions: { idleTimeout: '10s' } });
    await send();
    await system.clock.advance(9_000);
    expect(cluster().stats.activeConnections.value).toBe(1);
    await system.clock.advance(2_000);
    expect(cluster().stats.activeConnections.value).toBe(0);
  });

  it('opens a new connection for the next request when told to, and lets the busy one finish', async () => {
    const { send, hosts, cluster, system } = setUp({}, { immediately: false });
    const first = send();
    await settled(system);
    cluster().renewConnections();
    const second = send();
    await settled(system);
    expect(hosts[0]?.connections.length).toBe(2);
    hosts[0]?.answer();
    hosts[0]?.answer();
    expect((await Promise.all([first, second])).map((answer) => (answer as HttpResponse).status)).toEqual([200, 200]);
  });

  it('lets requests wait in order when only the connections are limited', async () => {
    const { send, hosts, system } = setUp({ circuitBreakers: { thresholds: [{ maxConnections: 1 }] } }, { immediately: false });
    const answers = [send(), send(), send()];
    for (let i = 0; i < 3; i++) {
      await settled(system);
      hosts[0]?.answer();
    }
    expect((await Promise.all(answers)).map((answer) => (answer as HttpResponse).status)).toEqual([200, 200, 200]);
    expect(hosts[0]?.connections.length).toBe(1);
  });

  it('answers UO at once, and sends nothing, when nobody more may wait', async () => {
    const thresholds = [{ maxConnections: 1, maxPendingRequests: 1 }];
    const { send, hosts, cluster, system } = setUp({ circuitBreakers: { thresholds } }, { immediately: false });
    void send();
    await settled(system);
    void send();
    await settled(system);
    expect(await send()).toMatchObject({ flag: 'UO', status: 503, headers: [['x-envoy-overloaded', 'true']] });
    expect([hosts[0]?.requests, cluster().stats.pendingOverflow.value]).toEqual([1, 1]);
  });

  it('says UH when there is no host, UF when a host refuses', async () => {
    const { send, update } = setUp({});
    update(compiled({}));
    expect(await send()).toMatchObject({ flag: 'UH', text: 'no healthy upstream', codeDetails: 'no_healthy_upstream' });
    update(compiled({}, 81));
    const stream = newStream();
    expect(await send(stream)).toMatchObject({
      flag: 'UF',
      text: 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
      codeDetails: 'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}',
    });
    expect(stream.upstreamFailure).toBe('delayed_connect_error:_Connection_refused');
  });

  it('picks a host that was not tried yet', async () => {
    const { send } = setUp({ lbPolicy: 'ROUND_ROBIN' }, { ports: [80, 81] });
    const stream = newStream();
    for (let i = 0; i < 2; i++) await send(stream, 5);
    expect(new Set(stream.attempts.map(({ host }) => host)).size).toBe(2);
  });

  it('keeps connections of a host that stays, and lets an exchange of a removed one finish', async () => {
    const { send, hosts, update, cluster, system } = setUp({}, { immediately: false });
    const answer = send();
    await settled(system);
    const before = cluster().hosts.get('10.0.0.1:80');
    update(compiled({}, 80, 81));
    expect(cluster().hosts.get('10.0.0.1:80')).toBe(before);
    update(compiled({}, 81));
    hosts[0]?.answer();
    expect(await answer).toMatchObject({ status: 200 });
    await settled(system);
    expect(before?.connections).toBe(0);
  });

  it('frees its place when the client goes away', async () => {
    const { send, cluster, system } = setUp({}, { immediately: false });
    const stream = newStream();
    const answer = send(stream);
    await settled(system);
    stream.abortWith('DC', 'downstream_remote_disconnect');
    expect(await answer).toMatchObject({ flag: 'DC' });
    const { breaker, stats } = cluster();
    expect([breaker.requests, breaker.pending, breaker.connections, stats.activeRequests.value]).toEqual([0, 0, 0, 0]);
  });

  it('sends to where the client meant to go when it is of type ORIGINAL_DST', async () => {
    const { send, hosts } = setUp({ type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' }, { ports: [8080] });
    expect(await send(newStream(8080))).toMatchObject({ status: 200 });
    expect(hosts[0]?.requests).toBe(1);
  });

  it('resolves the names of a STRICT_DNS cluster, again and again', async () => {
    const loadAssignment = {
      clusterName: 'echo',
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: 'echo.test', portValue: 80 } } } }] }],
    };
    const { update, cluster, system } = setUp({});
    system.world.network.names.set('echo.test', ['10.0.0.1']);
    update(compiled({ type: 'STRICT_DNS', dnsRefreshRate: '5s', loadAssignment }));
    await settled(system);
    expect([...cluster().hosts.keys()]).toEqual(['10.0.0.1:80']);
    system.world.network.names.set('echo.test', ['10.0.0.2', '10.0.0.3']);
    await system.clock.advance(5_000);
    expect([...cluster().hosts.keys()]).toEqual(['10.0.0.2:80', '10.0.0.3:80']);
  });

  it('keeps the hosts of a STRICT_DNS cluster under other settings until the names are looked up anew', async () => {
    const socketAddress = { address: 'echo.test', portValue: 80 };
    const loadAssignment = { clusterName: 'echo', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress } } }] }] };
    const { update, send, cluster, system } = setUp({});
    system.world.network.names.set('echo.test', ['10.0.0.1']);
    update(compiled({ type: 'STRICT_DNS', loadAssignment }));
    await settled(system);
    const [host] = cluster().hosts.values();
    update(compiled({ type: 'STRICT_DNS', loadAssignment, connectTimeout: '2s' }));
    const answer = send();
    expect(cluster().hosts.get('10.0.0.1:80')).toBe(host);
    await settled(system);
    expect(await answer).toMatchObject({ status: 200 });
    expect(cluster().hosts.get('10.0.0.1:80')).toBe(host);
  });

  it.each([
    [{ type: 'LOGICAL_DNS' }, 'type: not supported'],
    [{ outlierDetection: { monitors: [{ name: 'x' }] } }, 'outlier_detection.monitors: not supported'],
    [{ transportSocket: { name: 'envoy.transport_sockets.tls' } }, 'transport_socket.name: '],
    [{ lbPolicy: 5, maglevLbConfig: { tableSize: 10 } }, 'maglev_lb_config.table_size: must be a prime number'],
  ])('refuses %j with its path', (config, message) => {
    expect(() => compileCluster(ClusterMessage.fromJSON({ name: 'c', ...config }))).toThrow(message);
  });
});
