/** Who is near: priorities and shares of localities, as istiod gives them to one caller. */
import { expect, test } from 'vitest';
import type { ProxyNode } from '../../mesh/mesh.ts';
import { SIDECAR, translated } from '../translate.fixture.ts';
import type { TranslatedResources } from '../translated-resources.ts';

const workload = (name: string, locality: string, more = ''): string => `---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: ${name}}
spec: {address: 10.0.0.${name.slice(-1)}, labels: {app: far, version: ${name}}, locality: ${locality}${more}}
`;
const WORLD = `apiVersion: v1
kind: Service
metadata: {name: far}
spec: {ports: [{port: 80, name: http}], selector: {app: far}}
${workload('v1', 'r1/z1/s1')}${workload('v2', 'r1/z2/s1', ', weight: 3')}${workload('v3', 'r2/z1/s1')}${workload('v4', 'r3/z1/s1')}${workload('v5', 'r1/z1/s2')}---
`;
const rule = (policy: string): string => `${WORLD}apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: far}
spec: {host: far, trafficPolicy: {${policy}}}
`;
const CALLER: ProxyNode = { ...SIDECAR, locality: 'r1/z1/s1' };
const NAME = 'outbound|80||far.default.svc.cluster.local';

/** `REGION/ZONE/SUBZONE=PRIORITY*SHARE(endpoints)`. */
const groupsOf = ({ endpoints }: TranslatedResources): string[] =>
  (endpoints.find(({ clusterName }) => clusterName === NAME)?.endpoints ?? []).map(
    ({ locality, priority, loadBalancingWeight, lbEndpoints }) =>
      `${locality?.region}/${locality?.zone}/${locality?.subZone}=${priority}*${loadBalancingWeight}(${lbEndpoints.length})`,
  );
const arranged = (policy: string, caller = CALLER): string[] => groupsOf(translated(rule(policy), caller));
const locality = (setting: string, outliers = 'outlierDetection: {}, '): string =>
  `${outliers}loadBalancer: {localityLbSetting: {${setting}}}`;

const FLAT = ['r1/z1/s1=0*1(1)', 'r1/z1/s2=0*1(1)', 'r1/z2/s1=0*3(1)', 'r2/z1/s1=0*1(1)', 'r3/z1/s1=0*1(1)'];
const NEAREST_FIRST = ['r1/z1/s1=0*1(1)', 'r1/z1/s2=1*1(1)', 'r1/z2/s1=2*3(1)', 'r2/z1/s1=3*1(1)', 'r3/z1/s1=3*1(1)'];

test('endpoints stand in groups by locality, and without outlier detection in no order', () => {
  expect(groupsOf(translated(WORLD, CALLER))).toEqual(FLAT);
  expect(arranged(locality('failover: [{from: r1, to: r3}]', ''))).toEqual(FLAT);
});

test('outlier detection alone puts those that are nearer first, unless that is switched off', () => {
  expect(arranged('outlierDetection: {}')).toEqual(NEAREST_FIRST);
  expect(arranged(locality('enabled: false'))).toEqual(FLAT);
});

test('the mesh may switch it off for everybody', () => {
  const off = `---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "localityLbSetting: {enabled: false}"}
`;
  expect(groupsOf(translated(rule('outlierDetection: {}') + off, CALLER))).toEqual(FLAT);
});

test('a caller that does not say where it runs has everybody at the same distance', () => {
  expect(arranged('outlierDetection: {}', SIDECAR)).toEqual(FLAT);
});

test('failover puts the named region before the others', () => {
  expect(arranged(locality('failover: [{from: r1, to: r3}]'))).toEqual([
    ...NEAREST_FIRST.slice(0, 3),
    'r2/z1/s1=4*1(1)',
    'r3/z1/s1=3*1(1)',
  ]);
});

test('distribute gives shares to the localities it names and takes the endpoints of others, with or without outlier detection', () => {
  const shares = locality('distribute: [{from: r2/*, to: {r2: 100}}, {from: r1/z1/*, to: {"r1/z1/*": 80, "r1/z2/*": 20}}]', '');
  expect(arranged(shares)).toEqual(['r1/z1/s1=0*40(1)', 'r1/z1/s2=0*40(1)', 'r1/z2/s1=0*20(1)', 'r2/z1/s1=0*1(0)', 'r3/z1/s1=0*1(0)']);
  expect(arranged(locality('distribute: [{from: r9, to: {r2: 100}}]'))).toEqual(FLAT);
});

test('failoverPriority counts labels that caller and endpoint share, from the first on, topology among them', () => {
  const caller = { ...CALLER, labels: { app: 'web', version: 'v2' } };
  expect(arranged(locality('failoverPriority: [topology.kubernetes.io/region, version]'), caller)).toEqual([
    'r1/z1/s1=1*1(1)',
    'r1/z1/s2=1*1(1)',
    'r1/z2/s1=0*3(1)',
    'r2/z1/s1=2*1(1)',
    'r3/z1/s1=2*1(1)',
  ]);
  expect(arranged(locality('failoverPriority: ["version=v3"]'), caller).filter((group) => group.includes('=0*'))).toEqual([
    'r2/z1/s1=0*1(1)',
  ]);
});

test('shares of localities count only where a rule speaks of them', () => {
  const isWeighted = (policy: string) =>
    translated(rule(policy), CALLER).clusters.find(({ name }) => name === NAME)?.commonLbConfig?.localityConfigSpecifier !== undefined;
  expect(isWeighted('outlierDetection: {}')).toBe(false);
  expect(isWeighted(locality('failover: [{from: r1, to: r3}]'))).toBe(true);
  expect(isWeighted(locality('failover: [{from: r1, to: r3}]', ''))).toBe(false);
  expect(isWeighted(locality('distribute: [{from: r1, to: {r1: 100}}]', ''))).toBe(true);
});

test('labels say where a workload runs, and dots stand for slashes', () => {
  const labelled = WORLD.replace('version: v1}', 'version: v1, istio-locality: r8.z8.s8}');
  expect(groupsOf(translated(labelled, CALLER))[4]).toBe('r8/z8/s8=0*1(1)');
});
