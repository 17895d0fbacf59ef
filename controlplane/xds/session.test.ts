import { describe, expect, test } from 'vitest';
import { type Kind, kindOf, TYPE_URLS } from '#api/kinds.ts';
import { Cluster, ClusterLoadAssignment, DiscoveryRequest, type DiscoveryResponse, Listener, RouteConfiguration, Secret } from '#envoy';
import { Session } from './session.ts';
import { buildXdsSnapshot, type XdsSnapshot } from './snapshot.ts';

/** Each entry is `name` or `name=content`. */
type Words = Partial<Record<Kind, readonly string[]>>;

const split = (word: string): [string, string] => {
  const [name = '', content = ''] = word.split('=');
  return [name, content];
};

const snapshot = (words: Words): XdsSnapshot =>
  buildXdsSnapshot({
    clusters: (words.cds ?? []).map(split).map(([name, altStatName]) => Cluster.fromPartial({ name, altStatName })),
    endpoints: (words.eds ?? [])
      .map(split)
      .map(([clusterName, zone]) => ClusterLoadAssignment.fromPartial({ clusterName, endpoints: zone ? [{ locality: { zone } }] : [] })),
    secrets: (words.sds ?? []).map(split).map(([name, inlineString]) =>
      Secret.fromPartial({
        name,
        type: { $case: 'validationContext', value: { trustedCa: { specifier: { $case: 'inlineString', value: inlineString } } } },
      }),
    ),
    listeners: (words.lds ?? []).map(split).map(([name, statPrefix]) => Listener.fromPartial({ name, statPrefix })),
    routes: (words.rds ?? [])
      .map(split)
      .map(([name, content]) => RouteConfiguration.fromPartial({ name, internalOnlyHeaders: content ? [content] : [] })),
  });

const CODECS = { cds: Cluster, eds: ClusterLoadAssignment, sds: Secret, lds: Listener, rds: RouteConfiguration };

const namesIn = (response: DiscoveryResponse): string => {
  const kind = kindOf(response.typeUrl) ?? 'cds';
  const names = response.resources.map(({ value }) => {
    const resource = CODECS[kind].decode(value);
    return 'clusterName' in resource ? resource.clusterName : resource.name;
  });
  return `${kind}@${response.versionInfo} ${names.join(',')}`;
};

/** A proxy that answers when told to. */
const proxyOn = (first: XdsSnapshot, version = 1) => {
  const session = new Session(first, version);
  const last = new Map<Kind, DiscoveryResponse>();
  const names = new Map<Kind, readonly string[]>();
  const take = (responses: readonly DiscoveryResponse[]): string[] => {
    for (const response of responses) last.set(kindOf(response.typeUrl) ?? 'cds', response);
    return responses.map(namesIn);
  };
  const request = (kind: Kind, extra: Partial<DiscoveryRequest> = {}): string[] =>
    take(
      session.receive(
        DiscoveryRequest.fromPartial({
          typeUrl: TYPE_URLS[kind],
          responseNonce: last.get(kind)?.nonce ?? '',
          versionInfo: last.get(kind)?.versionInfo ?? '',
          resourceNames: [...(names.get(kind) ?? [])],
          ...extra,
        }),
      ),
    );
  const ask = (kind: Kind, wanted: readonly string[] = []): string[] => {
    names.set(kind, wanted);
    return request(kind);
  };
  return {
    session,
    ask,
    request,
    ack: (kind: Kind) => request(kind),
    nack: (kind: Kind, message: string) => request(kind, { errorDetail: { code: 3, message, details: [] } }),
    update: (next: XdsSnapshot, at: number) => take(session.update(next, at)),
  };
};

/** Subscribed to everything in the snapshot, and all of it acknowledged. */
const settledOn = (words: Words) => {
  const proxy = proxyOn(snapshot(words));
  for (const kind of ['cds', 'eds', 'sds', 'lds', 'rds'] as const) {
    if (kind === 'sds' && !words.sds) continue;
    proxy.ask(kind, kind === 'eds' || kind === 'sds' || kind === 'rds' ? (words[kind] ?? []).map((word) => split(word)[0]) : []);
    proxy.ack(kind);
  }
  return proxy;
};

describe('subscribing', () => {
  test('a first request is answered with everything of that kind, and its ACK with nothing', () => {
    const proxy = proxyOn(snapshot({ cds: ['a', 'b'] }), 7);
    expect(proxy.ask('cds')).toEqual(['cds@7 a,b']);
    expect(proxy.ack('cds')).toEqual([]);
  });

  test('endpoints come for the names that were asked for only', () => {
    expect(proxyOn(snapshot({ rds: ['a', 'b', 'c'] })).ask('rds', ['b', 'unknown'])).toEqual(['rds@1 b']);
  });

  test('a new name is answered at once, a dropped one is not', () => {
    const proxy = proxyOn(snapshot({ eds: ['a', 'b'] }));
    proxy.ask('eds', ['a']);
    proxy.ack('eds');
    expect(proxy.ask('eds', ['a', 'b'])).toEqual(['eds@1 a,b']);
    proxy.ack('eds');
    expect(proxy.ask('eds', ['b'])).toEqual([]);
    expect(proxy.ask('eds', ['a', 'b'])).toEqual(['eds@1 a,b']);
  });

  test('an unknown type URL and a stale nonce are ignored', () => {
    const proxy = proxyOn(snapshot({ cds: ['a'] }));
    expect(proxy.request('cds', { typeUrl: 'type.googleapis.com/x.Secret' })).toEqual([]);
    proxy.ask('cds');
    expect(proxy.request('cds', { responseNonce: 'older', errorDetail: { code: 3, message: 'bad', details: [] } })).toEqual([]);
    expect(proxy.session.sync.kinds.cds).toMatchObject({ state: 'STALE', acknowledged: '' });
  });
});

describe('pushing', () => {
  test('only the kinds that changed are sent', () => {
    const words = { cds: ['a'], eds: ['a'], lds: ['l'], rds: ['r=1'] };
    expect(settledOn(words).update(snapshot({ ...words, rds: ['r=2'] }), 2)).toEqual(['rds@2 r']);
  });

  test('routes wait until new clusters and their endpoints are acknowledged', () => {
    const proxy = settledOn({ cds: ['a'], eds: ['a'], lds: ['l'], rds: ['r=to-a'] });
    expect(proxy.update(snapshot({ cds: ['a', 'b'], eds: ['a', 'b'], lds: ['l'], rds: ['r=to-b'] }), 2)).toEqual(['cds@2 a,b']);
    expect(proxy.ask('eds', ['a', 'b'])).toEqual(['eds@2 a,b']);
    expect(proxy.ack('cds')).toEqual([]);
    expect(proxy.ack('eds')).toEqual(['rds@2 r']);
  });

  test('removed clusters leave after the routes that named them are replaced', () => {
    const proxy = settledOn({ cds: ['old'], eds: ['old'], lds: ['l'], rds: ['r=to-old'] });
    expect(proxy.update(snapshot({ cds: ['new'], eds: ['new'], lds: ['l'], rds: ['r=to-new'] }), 2)).toEqual(['cds@2 old,new']);
    proxy.ask('eds', ['old', 'new']);
    proxy.ack('eds');
    expect(proxy.ack('cds')).toEqual(['rds@2 r']);
    expect(proxy.ack('rds')).toEqual(['cds@2 new']);
  });

  test('removed clusters stay while the routes that replace them are refused', () => {
    const proxy = settledOn({ cds: ['old'], lds: ['l'], rds: ['r=to-old'] });
    proxy.update(snapshot({ cds: [], lds: ['l'], rds: ['r=bad'] }), 2);
    expect(proxy.nack('rds', 'bad')).toEqual([]);
    proxy.update(snapshot({ cds: [], lds: ['l'], rds: ['r=good'] }), 3);
    expect(proxy.ack('rds')).toEqual(['cds@3 ']);
  });

  test('a removed listener vanishes from the list', () => {
    expect(settledOn({ lds: ['l', 'm'] }).update(snapshot({ lds: ['m'] }), 2)).toEqual(['lds@2 m']);
  });

  test('changes that come before the ACK are merged into one response', () => {
    const proxy = settledOn({ rds: ['r=1'] });
    expect(proxy.update(snapshot({ rds: ['r=2'] }), 2)).toEqual(['rds@2 r']);
    expect(proxy.update(snapshot({ rds: ['r=3'] }), 3)).toEqual([]);
    expect(proxy.update(snapshot({ rds: ['r=4'] }), 4)).toEqual([]);
    expect(proxy.ack('rds')).toEqual(['rds@4 r']);
  });

  test('a change that was taken back before the ACK of another is not sent', () => {
    const proxy = settledOn({ rds: ['r=1'] });
    proxy.update(snapshot({ rds: ['r=2'] }), 2);
    proxy.update(snapshot({ rds: ['r=3'] }), 3);
    proxy.update(snapshot({ rds: ['r=2'] }), 4);
    expect(proxy.ack('rds')).toEqual([]);
    expect(proxy.session.sync.version).toBe(4);
  });

  test('a refused version is not sent again until the content changes', () => {
    const proxy = settledOn({ rds: ['r=1'], lds: ['l'] });
    proxy.update(snapshot({ rds: ['r=bad'], lds: ['l'] }), 2);
    expect(proxy.nack('rds', 'no such field')).toEqual([]);
    expect(proxy.update(snapshot({ rds: ['r=bad'], lds: ['l'] }), 3)).toEqual([]);
    expect(proxy.update(snapshot({ rds: ['r=1'], lds: ['l'] }), 4)).toEqual(['rds@4 r']);
  });

  test('endpoints of a cluster that nobody knows are none, for Envoy would wait for them', () => {
    const proxy = proxyOn(snapshot({ eds: ['a'] }));
    expect(proxy.ask('eds', ['a', 'unknown'])).toEqual(['eds@1 a,unknown']);
    expect(proxy.ack('eds')).toEqual([]);
  });

  test('a cluster that was replaced and has since gone still gets its endpoints, or its proxy would warm it for ever', () => {
    const proxy = settledOn({ cds: ['a', 'b=1'], eds: ['a', 'b=here'] });
    proxy.update(snapshot({ cds: ['a', 'b=2'], eds: ['a', 'b=here'] }), 2);
    proxy.update(snapshot({ cds: ['a'], eds: ['a'] }), 3);
    expect(proxy.request('eds')).toEqual(['eds@3 a,b']);
    proxy.ack('eds');
    expect(proxy.ack('cds')).toEqual(['cds@3 a']);
  });

  test('endpoints are sent again when the proxy asks for those of a cluster that was replaced', () => {
    const proxy = settledOn({ cds: ['a=1'], eds: ['a'] });
    proxy.update(snapshot({ cds: ['a=2'], eds: ['a'] }), 2);
    expect(proxy.request('eds')).toEqual(['eds@2 a']);
    proxy.ack('cds');
    expect(proxy.ack('eds')).toEqual([]);
  });
});

test('a request without a nonce begins anew and is answered, whatever was sent before', () => {
  const proxy = settledOn({ cds: ['a'], rds: ['r'] });
  expect(proxy.request('rds', { responseNonce: '' })).toEqual(['rds@1 r']);
  expect(proxy.ack('rds')).toEqual([]);
});

describe('telling where a proxy stands', () => {
  test('a proxy that has acknowledged everything it asked for is at the version in force', () => {
    const proxy = settledOn({ cds: ['a'] });
    expect(proxy.session.sync.version).toBe(1);
    proxy.update(snapshot({ cds: ['a'] }), 5);
    expect(proxy.session.sync).toMatchObject({ version: 5, kinds: { cds: { state: 'SYNCED', sent: '1', acknowledged: '1' } } });
  });

  test('a proxy is at no version before it has asked for its listeners, and for the routes that there are', () => {
    const proxy = proxyOn(snapshot({ cds: ['a'], rds: ['r'] }), 3);
    const version = (kind: Kind, names: readonly string[] = []) => {
      proxy.ask(kind, names);
      proxy.ack(kind);
      return proxy.session.sync.version;
    };
    expect([version('cds'), version('lds'), version('rds', ['r'])]).toEqual([0, 0, 3]);
    expect(proxy.session.sync.kinds.eds).toMatchObject({ state: 'NOT SENT', sent: '' });
  });

  test('a proxy is not at a version before its last response for it is acknowledged', () => {
    const proxy = settledOn({ cds: ['a'], rds: ['r=1'] });
    proxy.update(snapshot({ cds: ['a', 'b'], rds: ['r=2'] }), 2);
    proxy.ack('cds');
    expect(proxy.session.sync).toMatchObject({ version: 1, kinds: { rds: { state: 'STALE', sent: '2', acknowledged: '1' } } });
    proxy.ack('rds');
    expect(proxy.session.sync.version).toBe(2);
  });

  test('a refusal is told with its version and the words of the proxy, and holds the version back', () => {
    const proxy = settledOn({ cds: ['a'] });
    proxy.update(snapshot({ cds: ['a', 'b'] }), 2);
    proxy.nack('cds', 'b is bad');
    expect(proxy.session.sync).toMatchObject({
      version: 1,
      kinds: { cds: { state: 'ERROR', sent: '2', acknowledged: '1', refused: { version: '2', reason: 'b is bad' } } },
    });
  });
});

describe('secrets', () => {
  test('they come while clusters wait, since a cluster may wait for them', () => {
    const proxy = proxyOn(snapshot({ cds: ['a'], sds: ['ROOTCA=1', 'other=1'], lds: ['l'] }));
    proxy.ask('cds');
    expect(proxy.ask('sds', ['ROOTCA'])).toEqual(['sds@1 ROOTCA']);
    expect(proxy.ack('sds')).toEqual([]);
    expect(proxy.update(snapshot({ cds: ['a=2'], sds: ['ROOTCA=2'], lds: ['l'] }), 2)).toEqual(['sds@2 ROOTCA']);
  });

  test('the same secret is not sent again, and one that nobody knows is not answered with another', () => {
    const proxy = settledOn({ cds: ['a'], sds: ['ROOTCA=1'] });
    expect(proxy.update(snapshot({ cds: ['a'], sds: ['ROOTCA=1'] }), 2)).toEqual([]);
    expect(proxy.session.sync).toMatchObject({ version: 2, kinds: { sds: { state: 'SYNCED' } } });
    expect(proxyOn(snapshot({ sds: ['ROOTCA=1'] })).ask('sds', ['unknown'])).toEqual(['sds@1 ']);
  });

  test('a proxy that needs none is at its version without them; one that refused them is not', () => {
    const proxy = proxyOn(snapshot({ cds: ['a'], lds: ['l'], sds: ['ROOTCA=1'] }), 3);
    for (const kind of ['cds', 'lds'] as const) {
      proxy.ask(kind);
      proxy.ack(kind);
    }
    expect(proxy.session.sync).toMatchObject({ version: 3, kinds: { sds: { state: 'NOT SENT' } } });
    proxy.ask('sds', ['ROOTCA']);
    proxy.nack('sds', 'bad PEM');
    expect(proxy.session.sync).toMatchObject({ version: 0, kinds: { sds: { state: 'ERROR' } } });
  });
});

test('of two resources of one kind with one name the first is sent', () => {
  const { cds } = snapshot({ cds: ['a=1', 'b', 'a=2'] }).kinds;
  expect([...cds.values()].map(({ any }) => Cluster.decode(any.value)).map(({ name, altStatName }) => name + altStatName)).toEqual([
    'a1',
    'b',
  ]);
});
