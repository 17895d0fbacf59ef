/** Which paths are left alone, and which are refused. */
import { type ConformanceCase, defineCase, type MeshUnderTest } from '../../define-case.ts';
import { expectEqual } from '../../expect.ts';
import { readEcho } from '../echoed.ts';
import { afterHead, converse, expectRefused, HOST, head } from './wire.ts';

const pathAtProgram = async (mesh: MeshUnderTest, path: string): Promise<string> =>
  readEcho(afterHead(await converse(mesh, head(`GET ${path} HTTP/1.1`, HOST, 'Connection: close')))).path;

/** H1-PATH-002 to 003. */
export const paths: readonly ConformanceCase[] = [
  defineCase({
    id: 'H1-PATH-002',
    claim: 'Slashes are not merged, escaped slashes and what is escaped twice stay, and the query is not touched.',
    source: 'Istio pathNormalization BASE; CVE-2021-31920',
    profile: 'core',
    apply: '',
    killedBy: [],
    transparent: true,
    labs: [],
    async run(mesh) {
      for (const path of ['//admin', '/a%2fb', '/%252e%252e/b', '/a?b=/../c//d'])
        expectEqual('path at the program', await pathAtProgram(mesh, path), path);
    },
  }),
  defineCase({
    id: 'H1-PATH-003',
    claim: 'A path with an escaped NUL or with a fragment is answered 400 and goes nowhere.',
    source: 'Envoy path_normalization_failed; CVE-2021-32779',
    profile: 'core',
    apply: '',
    killedBy: [],
    labs: [],
    async run(mesh) {
      await expectRefused(mesh, head('GET /admin%00 HTTP/1.1', HOST), 400);
      await expectRefused(mesh, head('GET /admin#x HTTP/1.1', HOST), 400);
    },
  }),
];
