/** The conformance suite on the learner's own mesh: it only looks, with requests marked as probes. */
import { connect, type Socket } from 'node:net';
import type { OpenAdsStream } from '#api/ads-stream.ts';
import type { ControlPlaneClient } from '#environment';
import type { CaseVerdict } from '#labs';
import type { Suite } from './cases.ts';
import type { LiveMesh } from './live-mesh.ts';

const open = (host: string, port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', reject);
  });

/** The suite's command brings up a mesh of its own: it would say nothing about this one. */
const OWN_MESH_LINE = /\n +reproduce .*$/m;

const changesNothing = (): Promise<never> => Promise.reject(new Error('On this page a case only looks: it changes no configuration.'));

const noAds: OpenAdsStream = (events) => {
  queueMicrotask(() => events.ended('this mesh offers no stream for a case of its own'));
  return { send: () => undefined, close: () => undefined };
};

/** Loaded when first asked for: a page that asks for no case does not wait for the suite. */
export const suiteOn = async (mesh: LiveMesh, controlPlane: ControlPlaneClient): Promise<Suite> => {
  const { cases, runCases } = await import('#conformance');
  const adminOf = (name: string): string => {
    const found = mesh.workloads.find((workload) => workload.name === name)?.adminUrl;
    const url = found ?? mesh.gateways.find((gateway) => gateway.name === name)?.adminUrl;
    if (url === undefined) throw new Error(`There is no proxy called ${name}.`);
    return url;
  };
  const live: Parameters<typeof runCases>[0] = {
    driver: mesh.mode === 'simulation' ? 'simulation' : 'process',
    dataPlane: mesh.dataPlane === 'envoy' ? 'envoy' : 'dinghy',
    configuredBy: 'dinghy',
    workloads: mesh.workloads,
    gateways: mesh.gateways.map(({ name, url, address }) => ({ name, namespace: 'default', address: address ?? new URL(url).hostname })),
    connect: (address, port) => mesh.connect?.(address, port) ?? open(address, port),
    applyYaml: changesNothing,
    deleteYaml: changesNothing,
    sync: () => controlPlane.sync(),
    waitForVersion: async () => {},
    vips: () => controlPlane.vips(),
    admin: async (name, path) => (await fetch(new URL(path, adminOf(name)), { signal: AbortSignal.timeout(5_000) })).text(),
    exchanges: mesh.exchanges,
    wallTimeMs: () => Date.now(),
    openAds: mesh.openAds ?? noAds,
  };
  const run = async (id: string): Promise<CaseVerdict> => {
    for await (const verdict of runCases(live, [id]))
      return { id, passed: verdict.outcome === 'passed', reason: verdict.text.replace(OWN_MESH_LINE, ''), ms: verdict.durationMs };
    throw new Error(`There is no case ${id}.`);
  };
  return { cases, run };
};
