/** What a call through two sidecars costs: the caller's and the callee's, with mutual TLS between them, as in a mesh. */
import { join } from 'node:path';
import { testAuthority } from '../../certificates/test-authority.ts';
import { ROUTER_YAML } from '../sidecar-bootstrap.ts';
import { optionalEnvoy, type Place, type StartProxy, type Subject, startDinghy, written } from '../subjects.ts';
import type { CallerFiles } from './handshakes.ts';

const CALLER = 'spiffe://cluster.local/ns/default/sa/caller';
const CALLEE = 'spiffe://cluster.local/ns/default/sa/callee';

/** PEM files of both ends. */
interface Files {
  readonly roots: string;
  readonly caller: string;
  readonly callee: string;
}

/** Certificates of one authority for both ends, as files. */
export const writeIdentities = async (place: Pick<Place, 'folder'>): Promise<Files> => {
  const authority = await testAuthority('O=Benchmark');
  const write = (name: string, text: string): string => written(place, name, text);
  const pair = async (name: string, uri: string): Promise<string> => {
    const { certificateChain, privateKey } = await authority.issue({ uris: [uri] });
    return `{ certificate_chain: { filename: ${write(`${name}.pem`, certificateChain)} }, private_key: { filename: ${write(`${name}.key`, privateKey)} } }`;
  };
  return { roots: write('roots.pem', authority.roots), caller: await pair('caller', CALLER), callee: await pair('callee', CALLEE) };
};

const common = (own: string, { roots }: Files, peer: string): string => {
  const versions = 'tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_3';
  const names = `match_typed_subject_alt_names: [{ san_type: URI, matcher: { exact: "${peer}" } }]`;
  const trust = `validation_context: { trusted_ca: { filename: ${roots} }, ${names} }`;
  return `common_tls_context: { tls_params: { ${versions} }, alpn_protocols: [http/1.1], tls_certificates: [${own}], ${trust} }`;
};

/** Bootstrap text of the callee's sidecar. */
export const calleeBootstrap = (files: Files, ports: Pick<Place, 'listen' | 'admin' | 'upstream'>): string =>
  ROUTER_YAML({ ...ports, caller: CALLER, downstreamTls: `require_client_certificate: true, ${common(files.callee, files, CALLER)}` });

/** Bootstrap text of the caller's sidecar. */
export const callerBootstrap = (files: Files, ports: Pick<Place, 'listen' | 'admin' | 'upstream'>): string =>
  ROUTER_YAML({ ...ports, upstreamTls: `sni: callee.mesh, ${common(files.caller, files, CALLEE)}` });

const pair = (name: string, files: Files, start: StartProxy): Subject => ({
  name,
  start: (place) => {
    const [inner, innerAdmin] = place.spare;
    const callee = calleeBootstrap(files, { listen: inner, admin: innerAdmin, upstream: place.upstream });
    const caller = callerBootstrap(files, { listen: place.listen, admin: place.admin, upstream: inner });
    return [start(written(place, 'caller.yaml', caller)), start(written(place, 'callee.yaml', callee))];
  },
});

/** Port at which a pair's callee takes mutual TLS. */
export const calleePort = ({ spare }: Pick<Place, 'spare'>): number => spare[0];

/** The caller's certificate, for who calls in its stead. */
export const callerFiles = (folder: string): CallerFiles => ({
  chain: join(folder, 'caller.pem'),
  key: join(folder, 'caller.key'),
  roots: join(folder, 'roots.pem'),
});

/** envoy: path of its binary; undefined when it was not fetched. folder: for keys and certificates. */
export const pairs = async (envoy: string | undefined, folder: string): Promise<readonly Subject[]> => {
  const files = await writeIdentities({ folder });
  return [pair('dinghy', files, startDinghy), optionalEnvoy(envoy, (start) => pair('envoy', files, start))];
};
