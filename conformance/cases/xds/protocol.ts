/** The control plane's side of ADS, seen by a client of our own. */
import { type ConformanceCase, defineCase } from '../../define-case.ts';
import { expectEqual, expectThat } from '../../expect.ts';
import { reviewsRules, to } from '../routing/reviews.ts';
import { firstComing, foreignClient } from './foreign-client.ts';

const SOURCE = 'xDS protocol, "ACK/NACK and resource type instance version"';
const CHANGE = reviewsRules(`- ${to('v2')}`);
const QUIET_MS = 300;

/** XDS-ACK-001, XDS-NACK-001, XDS-NONCE-001. */
export const xdsProtocol: readonly ConformanceCase[] = [
  defineCase({
    id: 'XDS-ACK-001',
    claim:
      'Each response has a version and a new nonce, an ACK is not answered, and a change arrives in the order clusters, endpoints, listeners, routes.',
    source: `${SOURCE}; "Eventual consistency considerations"`,
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-NONCE-REUSED'],
    labs: [],
    async run(mesh) {
      using client = foreignClient(mesh.openAds, 'foreign-ack');
      client.subscribe('cds');
      const clusters = await client.next('cds');
      expectThat('version and nonce', clusters.versionInfo !== '' && clusters.nonce !== '', 'both set', [
        clusters.versionInfo,
        clusters.nonce,
      ]);
      client.acknowledge(clusters);
      expectThat('after the ACK', await client.silent('cds', QUIET_MS), 'silence', 'another CDS response');
      client.subscribe('lds');
      client.acknowledge(await client.next('lds'));
      client.subscribe('rds', ['9080']);
      const routes = await client.next('rds');
      client.acknowledge(routes, ['9080']);
      const before = client.order.length;
      await mesh.apply(CHANGE);
      // The change brings a subset: routes to it wait until its cluster is acknowledged.
      client.acknowledge(await client.next('cds'));
      const changed = await client.next('rds');
      await mesh.remove(CHANGE);
      expectThat('nonce of the second RDS response', changed.nonce !== routes.nonce, 'another one', changed.nonce);
      const order = firstComing(client.order.slice(before));
      expectEqual(
        'order of the change',
        order,
        ['cds', 'eds', 'lds', 'rds'].filter((kind) => order.some((one) => one === kind)),
      );
    },
  }),
  defineCase({
    id: 'XDS-NACK-001',
    claim: "A refusal is kept with the proxy's own words and shown by the sync status, and the refused version is not sent again.",
    source: SOURCE,
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: ['MUT-NACK-AS-ACK'],
    labs: [],
    async run(mesh) {
      using client = foreignClient(mesh.openAds, 'foreign-nack');
      client.subscribe('cds');
      const response = await client.next('cds');
      client.refuse(response, '', 'clusters[0].lrs_server: not supported by this proxy');
      expectThat('after the NACK', await client.silent('cds', QUIET_MS), 'silence', 'the same response again');
      const { proxies } = await mesh.sync();
      const kind = proxies.find((proxy) => proxy.node.includes('foreign-nack'))?.kinds.cds;
      expectEqual('reason in the sync status', kind?.refused?.reason, 'clusters[0].lrs_server: not supported by this proxy');
      expectEqual('acknowledged version', kind?.acknowledged, '');
    },
  }),
  defineCase({
    id: 'XDS-NONCE-001',
    claim: 'An acknowledgement with a nonce that is not the last one changes nothing.',
    source: `${SOURCE}; "stale nonce"`,
    profile: 'core',
    dataPlanes: ['dinghy'],
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      using client = foreignClient(mesh.openAds, 'foreign-nonce');
      client.subscribe('cds');
      const response = await client.next('cds');
      client.acknowledge({ ...response, nonce: `${response.nonce}-stale` });
      expectThat('after the stale ACK', await client.silent('cds', QUIET_MS), 'silence', 'another CDS response');
      const { proxies } = await mesh.sync();
      const kind = proxies.find((proxy) => proxy.node.includes('foreign-nonce'))?.kinds.cds;
      expectEqual('acknowledged version after a stale nonce', kind?.acknowledged, '');
      client.acknowledge(response);
      expectThat('after the right ACK', await client.silent('cds', QUIET_MS), 'silence', 'another CDS response');
      const after = (await mesh.sync()).proxies.find((proxy) => proxy.node.includes('foreign-nonce'))?.kinds.cds;
      expectThat(
        'acknowledged version after the right nonce',
        after?.acknowledged === after?.sent && after?.sent !== '',
        'the one sent',
        after,
      );
    },
  }),
];
