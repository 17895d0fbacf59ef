import { expect, test } from 'vitest';
import { meshFrom } from '../translate/translate.fixture.ts';
import { inboundModes } from './effective-policy.ts';

const policy = (namespace: string, name: string, spec: string): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
const mode = (word: string): string => `{mtls: {mode: ${word}}}`;
const ofReviews = (rest: string): string => `{selector: {matchLabels: {app: reviews}}, ${rest}}`;

/** Mode of port 9080 and of another one. */
const modes = (policies: readonly string[], workload = { namespace: 'default', labels: { app: 'reviews' } }): string => {
  const of = inboundModes(meshFrom(policies.join('---\n')), workload);
  return `${of(9080)} ${of(7000)}`;
};

const MESH = policy('istio-system', 'm', mode('STRICT'));

test.each([
  ['no policy at all', [], 'PERMISSIVE PERMISSIVE'],
  ['the mesh', [MESH], 'STRICT STRICT'],
  ['the namespace over the mesh', [MESH, policy('default', 'n', mode('DISABLE'))], 'DISABLE DISABLE'],
  ['another namespace', [MESH, policy('other', 'n', mode('DISABLE'))], 'STRICT STRICT'],
  ['UNSET leaves it to the mesh', [MESH, policy('default', 'n', mode('UNSET'))], 'STRICT STRICT'],
  ['nothing said leaves it to the mesh', [MESH, policy('default', 'n', '{}')], 'STRICT STRICT'],
  ['UNSET everywhere', [policy('istio-system', 'm', mode('UNSET'))], 'PERMISSIVE PERMISSIVE'],
  [
    'the workload over the namespace',
    [MESH, policy('default', 'n', mode('DISABLE')), policy('default', 'w', ofReviews('mtls: {mode: PERMISSIVE}'))],
    'PERMISSIVE PERMISSIVE',
  ],
  ['another workload', [policy('default', 'w', '{selector: {matchLabels: {app: x}}, mtls: {mode: STRICT}}')], 'PERMISSIVE PERMISSIVE'],
  [
    'the port over the workload',
    [policy('default', 'w', ofReviews('mtls: {mode: STRICT}, portLevelMtls: {9080: {mode: DISABLE}}'))],
    'DISABLE STRICT',
  ],
  ['a port over the mesh', [MESH, policy('default', 'w', ofReviews('portLevelMtls: {9080: {mode: DISABLE}}'))], 'DISABLE STRICT'],
  [
    'a port that is UNSET takes what its workload has',
    [MESH, policy('default', 'w', ofReviews('mtls: {mode: DISABLE}, portLevelMtls: {9080: {mode: UNSET}}'))],
    'DISABLE DISABLE',
  ],
  ['the oldest of a level', [policy('default', 'b', mode('STRICT')), policy('default', 'a', mode('DISABLE'))], 'STRICT STRICT'],
  [
    'an older one that leaves it open hides a younger one of its level',
    [MESH, policy('default', 'b', mode('UNSET')), policy('default', 'a', mode('DISABLE'))],
    'STRICT STRICT',
  ],
  [
    'a selector in the root namespace selects nobody',
    [policy('istio-system', 'w', ofReviews('mtls: {mode: STRICT}'))],
    'PERMISSIVE PERMISSIVE',
  ],
])('mode of a port: %s', (_, policies, expected) => {
  expect(modes(policies)).toBe(expected);
});
