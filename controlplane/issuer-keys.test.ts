/** From an applied RequestAuthentication to keys in the proxies' listeners. */
import { expect, onTestFinished, test } from 'vitest';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import { kindOf } from '#api/kinds.ts';
import { simulatedSystem } from '#system/simulated-system.ts';
import { standInProxy } from './control-plane.fixture.ts';
import { startControlPlane } from './control-plane.ts';

const RSA = { kty: 'RSA', kid: 'a', n: '0xObjM0UvS_oaazjpEYlAbwctEJ4L8pH3OuTb7qth7gUwqet', e: 'AQAB' };
const SERVER = { ip: '127.96.1.2', workload: 'reviews-v1', labels: { app: 'reviews' } };
const ISSUER = { ip: '127.96.1.3', workload: 'issuer-v1', labels: { app: 'issuer' } };
const service = (name: string, port: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}, name: http, targetPort: 9080}], selector: {app: ${name}}}\n---\n`;
const believe = (rule: string): string =>
  `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt}\nspec: {selector: {matchLabels: {app: reviews}}, jwtRules: [${rule}]}\n`;

const setUp = async () => {
  const system = simulatedSystem();
  const published = { kids: ['a'], asked: 0 };
  await system.network.listen({ address: ISSUER.ip, port: 9080 }, (connection) => {
    connection.once('data', () => {
      published.asked++;
      const body = JSON.stringify({ keys: published.kids.map((kid) => ({ ...RSA, kid })) });
      connection.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
  });
  const controlPlane = await startControlPlane({}, system);
  onTestFinished(() => controlPlane.close());
  let listeners = '';
  const listening: OpenAdsStream = (handlers) =>
    controlPlane.openAds({
      ...handlers,
      response: (response) => {
        if (kindOf(response.typeUrl) === 'lds')
          listeners = response.resources.map(({ value }) => Buffer.from(value).toString('latin1')).join();
        handlers.response(response);
      },
    });
  standInProxy(listening, SERVER);
  standInProxy(controlPlane.openAds, ISSUER);
  controlPlane.apply({ 'services.yaml': service('reviews', 9080) + service('issuer', 80) });
  await system.clock.advance(1_000);
  const kidsOf = (): string[] =>
    Object.values(controlPlane.mesh.keySets).flatMap((text) => JSON.parse(text).keys.map(({ kid }: { kid: string }) => kid));
  return { controlPlane, clock: system.clock, listeners: () => listeners, published, kidsOf };
};

test('keys of an issuer that runs in the mesh are fetched where it runs, and a change of theirs is pushed', async () => {
  const { controlPlane, clock, listeners, published, kidsOf } = await setUp();
  controlPlane.apply({ 'jwt.yaml': believe('{issuer: i, jwksUri: "http://issuer.default.svc.cluster.local/jwks"}') });
  await clock.advance(1_000);
  expect(kidsOf()).toEqual(['a']);
  expect(listeners()).toContain('"kid":"a"');
  published.kids = ['b'];
  await clock.advance(23 * 60_000);
  expect(kidsOf()).toEqual(['b']);
  expect(listeners()).toContain('"kid":"b"');
  expect(listeners()).not.toContain('"kid":"a"');
});

test('keys that nobody asks for any more are not fetched', async () => {
  const { controlPlane, clock, published, kidsOf } = await setUp();
  controlPlane.apply({ 'jwt.yaml': believe('{issuer: i, jwksUri: "http://issuer.default.svc.cluster.local/jwks"}') });
  await clock.advance(1_000);
  controlPlane.apply({ 'jwt.yaml': believe(`{issuer: i, jwks: '${JSON.stringify({ keys: [RSA] })}'}`) });
  await clock.advance(60 * 60_000);
  expect(published.asked).toBe(1);
  expect(kidsOf()).toEqual([]);
});
