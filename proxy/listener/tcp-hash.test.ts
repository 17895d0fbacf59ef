import { expect, it } from 'vitest';
import { TcpProxy } from '#envoy';
import { simulatedSystem } from '#system/simulated-system.ts';
import { type Hash64, xxh64 } from '#system/xxh64.ts';
import { StreamError } from '../http/stream-error.ts';
import { settle } from '../system/simulated-clock.ts';
import { compileTcpProxy } from './tcp-proxy.ts';

const NEAR = { address: '10.0.0.1', port: 80 };

const hashOfDial = async (config: object): Promise<Hash64 | undefined> => {
  const system = simulatedSystem();
  let hash: Hash64 | undefined;
  const serve = compileTcpProxy(TcpProxy.fromJSON({ stat_prefix: 's', cluster: 'c', ...config }), {
    system,
    observers: [],
    nextExchangeId: () => 1,
    dial: (_cluster, _downstream, how) => {
      hash = how.hash;
      return Promise.reject(new StreamError('UH', { codeDetails: '' }));
    },
  });
  await system.network.listen(NEAR, (connection) => serve(connection, { id: 1, local: NEAR, remote: { address: '10.0.0.7', port: 4711 } }));
  await system.network.connect(NEAR, { timeoutMs: 1 });
  await settle();
  return hash;
};

it('a connection is hashed by who called, where it is told to', async () => {
  expect(await hashOfDial({ hash_policy: [{ source_ip: {} }] })).toEqual(xxh64('10.0.0.7'));
  expect(await hashOfDial({})).toBeUndefined();
});
