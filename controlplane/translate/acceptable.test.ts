/** What one resource could do to all others: a proxy refuses a response as a whole. */
import { expect, test } from 'vitest';
import { SIDECAR, translated, virtualHosts } from './translate.fixture.ts';

const REVIEWS = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {ports: [{port: 9080, name: http}], selector: {app: reviews}}
`;

test('two hosts behind one address, or a host that is a short form of another, share no domain', () => {
  const shared = `${REVIEWS}---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shared}
spec: {hosts: [a.test, b.test, reviews.default], addresses: [10.0.0.1], ports: [{number: 9080, name: http, protocol: HTTP}], resolution: STATIC}
`;
  const domains = virtualHosts(translated(shared), '9080').flatMap((host) => host.domains);
  expect(domains).toEqual([...new Set(domains)]);
  expect(domains).toEqual(expect.arrayContaining(['a.test', 'b.test', 'reviews.default', '10.0.0.1', '*']));
});

test('a rule that only delegates makes no route, and the rules after it stand', () => {
  const delegating = `${REVIEWS}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - {match: [{uri: {prefix: /a}}], delegate: {name: other}}
  - {route: [{destination: {host: reviews}}]}
`;
  expect(virtualHosts(translated(delegating), '9080')[0]?.clusters).toEqual(['outbound|9080||reviews.default.svc.cluster.local']);
});

test('a service whose target port is one of the sidecar leaves the other ports open', () => {
  const odd = REVIEWS.replace(
    'ports: [',
    'ports: [{port: 1, name: http-a, targetPort: 15001}, {port: 2, name: http-b, targetPort: 15006}, ',
  );
  const inbound = translated(odd).listeners.find(({ name }) => name === 'virtualInbound');
  expect(inbound?.filterChains.map(({ name }) => name)).toEqual(['0.0.0.0_9080']);
});

test('a connection to the outbound port itself ends in the black hole', () => {
  const outbound = translated(REVIEWS).listeners.find(({ name }) => name === 'virtualOutbound');
  expect(outbound?.filterChains.map(({ name, filterChainMatch }) => [name, filterChainMatch?.destinationPort])).toEqual([
    ['virtualOutbound-blackhole', 15_001],
    ['virtualOutbound-catchall-tcp', undefined],
  ]);
});

test('a port that speaks UDP is nobody to call', () => {
  const dns = REVIEWS.replace('ports: [', 'ports: [{port: 53, name: dns, protocol: UDP}, ');
  expect(translated(dns, SIDECAR).clusters.map(({ name }) => name)).not.toContain('outbound|53||reviews.default.svc.cluster.local');
});

test('a sidecar whose connections are redirected listens on two ports and asks where each was going', () => {
  const bound = translated(REVIEWS, { ...SIDECAR, interception: 'REDIRECT' }).listeners.filter(({ bindToPort }) => bindToPort ?? true);
  expect(
    bound.map(({ name, address, additionalAddresses, useOriginalDst, listenerFilters }) => ({
      name,
      address: address?.address?.value,
      additionalAddresses,
      asks: useOriginalDst === true || listenerFilters.some((filter) => filter.name === 'envoy.filters.listener.original_dst'),
      proxyLine: listenerFilters.some((filter) => filter.name === 'envoy.filters.listener.proxy_protocol'),
    })),
  ).toMatchObject([
    {
      name: 'virtualOutbound',
      address: { address: '0.0.0.0', portSpecifier: { value: 15_001 } },
      additionalAddresses: [],
      asks: true,
      proxyLine: false,
    },
    {
      name: 'virtualInbound',
      address: { address: '0.0.0.0', portSpecifier: { value: 15_006 } },
      additionalAddresses: [],
      asks: true,
      proxyLine: false,
    },
  ]);
});
